import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusal } from '../test/refused.ts'
import { isTid, tidFromTimeUs, tidToTimeUs } from './tid.ts'

const times = fc.integer({ min: 0, max: 2 ** 53 - 1 })
const clocks = fc.integer({ min: 0, max: 1023 })

describe('a TID', () => {
  it('holds its time, and its clock beside it', () => {
    fc.assert(
      fc.property(times, clocks, (time, clock) => {
        const tid = tidFromTimeUs(time, clock)
        expect(isTid(tid)).toBe(true)
        expect(tidToTimeUs(tid)).toBe(time)
      }),
    )
  })

  it('sorts as text by time, then clock', () => {
    fc.assert(
      fc.property(times, clocks, times, clocks, (time, clock, otherTime, otherClock) => {
        const order = Math.sign(time - otherTime) || Math.sign(clock - otherClock)
        const [tid, other] = [tidFromTimeUs(time, clock), tidFromTimeUs(otherTime, otherClock)]
        expect(tid < other ? -1 : tid > other ? 1 : 0).toBe(order)
      }),
    )
  })

  it('of known times', () => {
    expect(tidFromTimeUs(0, 0)).toBe('2222222222222')
    expect(tidToTimeUs('2222222222222')).toBe(0)
    // A commit of the test network, at 2026-07-04T14:38:07 UTC.
    expect(new Date(tidToTimeUs('3mptbypluud2a') / 1000).toISOString().slice(0, 10)).toBe('2026-07-04')
  })

  it.each([
    '',
    '3mptbypluud2',
    '3mptbypluud2aa',
    'kmptbypluud2a',
    '3MPTBYPLUUD2A',
    '3mptbypluud21',
    '3mptbypluud2\n',
  ])('is not %j', text => {
    expect(isTid(text)).toBe(false)
    expect(refusal(() => tidToTimeUs(text))).toBe('tid_invalid')
  })
})
