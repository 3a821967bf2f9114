import { expect, it } from 'vitest'
import { createTurnstile } from './turnstile.ts'

const turn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

it('lets a few through in each turn of the event loop, in their order, and others do not wait', async () => {
  const pass = createTurnstile(2)
  const passed: number[] = []
  for (const round of [1, 2]) {
    const all = Array.from({ length: 5 }, async (_, i) => {
      await pass()
      passed.push(i)
    })
    const seen: number[] = []
    for (let i = 0; i < 4; i++) {
      seen.push(passed.length)
      await turn()
    }
    await Promise.all(all)
    expect([round, passed.splice(0)]).toEqual([round, [0, 1, 2, 3, 4]])
    // Nobody goes through at once; then two a turn.
    expect(seen[0]).toBe(0)
    for (const [i, count] of seen.entries()) expect(count - (seen[i - 1] ?? 0)).toBeLessThanOrEqual(2)
  }
})

it('takes in who comes while others wait', async () => {
  const pass = createTurnstile(1)
  const order: string[] = []
  const late = async (): Promise<void> => {
    await pass()
    order.push('late')
  }
  const first = pass().then(() => {
    order.push('first')
    return late()
  })
  const second = pass().then(() => order.push('second'))
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second', 'late'])
})
