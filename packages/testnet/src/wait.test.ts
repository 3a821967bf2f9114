import { describe, expect, it } from 'vitest'
import { waitFor, within } from './wait.ts'

describe('waitFor', () => {
  it('answers what it saw', async () => {
    let looks = 0
    expect(await waitFor(() => (++looks > 2 ? 'seen' : undefined), { everyMs: 1 })).toBe('seen')
    expect(looks).toBe(3)
  })

  it('takes 0 and the empty string for something', async () => {
    expect(await waitFor(() => 0)).toBe(0)
    expect(await waitFor(() => '')).toBe('')
  })

  it('gives up in time and says on what', async () => {
    await expect(waitFor(() => false, { timeoutMs: 10, what: 'a bus' })).rejects.toThrow(
      'timed out waiting for a bus; timeoutMs=10',
    )
  })
})

describe('within', () => {
  it('settles as the promise does, or gives up', async () => {
    expect(await within(Promise.resolve(1), 'one')).toBe(1)
    await expect(within(Promise.reject(new Error('no')), 'it')).rejects.toThrow('no')
    await expect(within(new Promise(() => {}), 'nothing', 10)).rejects.toThrow('timed out')
  })
})
