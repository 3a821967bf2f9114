import { expect, it } from 'vitest'
import { createLimit } from './limit.ts'

it('so many bytes a second pass on average, whoever asks for them, and any number without a limit', async () => {
  const limit = createLimit(1_000_000)
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: 5 }, () => limit(50_000)))
  // The last begins when the four before are through. Timers may be early by a millisecond.
  expect(performance.now() - startedAt).toBeGreaterThan(198)
  await expect(createLimit(undefined)(1e12)).resolves.toBeUndefined()
})

it('waiting ends with the signal', async () => {
  const stop = new AbortController()
  const limit = createLimit(1, stop.signal)
  await limit(1_000)
  const waiting = limit(1)
  stop.abort()
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
})
