import { describe, expect, it } from 'vitest'

import { rateLimited } from './rate-limited.ts'
import type { RateLimitOptions } from './rate-limited.ts'

function warning(options: RateLimitOptions = {}) {
  const clock = { ms: 0 }
  const lines: { fields: object; message: string | undefined }[] = []
  const logger = { warn: (fields: object, message?: string) => lines.push({ fields, message }) }
  const warn = rateLimited(logger as never, { intervalMs: 1_000, now: () => clock.ms, ...options })
  return { warn, lines, clock }
}

describe('rateLimited', () => {
  it('writes the first line of a key at once, then one an interval with the count of those left out', () => {
    const { warn, lines, clock } = warning()
    for (let ms = 0; ms <= 1_000; ms += 100) {
      clock.ms = ms
      warn('a.example', { ms }, 'bad frame')
    }
    expect(lines).toEqual([
      { fields: { ms: 0 }, message: 'bad frame' },
      { fields: { ms: 1_000, suppressed: 9 }, message: 'bad frame' },
    ])
    clock.ms = 2_000
    warn('a.example', { ms: 2_000 }, 'bad frame')
    expect(lines.at(-1)).toEqual({ fields: { ms: 2_000 }, message: 'bad frame' })
  })

  it('keeps keys apart', () => {
    const { warn, lines } = warning()
    warn('a', {}, 'x')
    warn('b', {}, 'x')
    warn('a', {}, 'x')
    expect(lines).toHaveLength(2)
  })

  it('forgets the key that was quiet longest, not more', () => {
    const { warn, lines, clock } = warning({ maxKeys: 2 })
    warn('a', { key: 'a' }, 'x')
    warn('b', { key: 'b' }, 'x')
    clock.ms = 1_500
    warn('a', { key: 'a' }, 'x')
    warn('c', { key: 'c' }, 'x')
    expect(lines).toHaveLength(4)
    // `b` is forgotten; `a`, which wrote after it, is not.
    warn('a', { key: 'a' }, 'x')
    expect(lines).toHaveLength(4)
    warn('b', { key: 'b' }, 'x')
    expect(lines).toHaveLength(5)
  })
})
