import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cover, levelHours, steps, weekHours } from './time.ts'

const week = 2_900 * weekHours

describe('a window', () => {
  it('is made up of weeks where it can be, then days, quarters and hours', () => {
    expect(cover({ since: week, until: week + weekHours })).toEqual([
      { level: 'week', from: 2_900, to: 2_901 },
    ])
    expect(cover({ since: week - 1, until: week - 1 + weekHours })).toEqual([
      { level: 'hour', from: week - 1, to: week },
      { level: 'day', from: 2_900 * 7, to: 2_900 * 7 + 6 },
      { level: 'quarter', from: (week + 144) / 6, to: (week + 144) / 6 + 3 },
      { level: 'hour', from: week + 162, to: week + 167 },
    ])
    expect(cover({ since: week - 1, until: week + weekHours })).toEqual([
      { level: 'hour', from: week - 1, to: week },
      { level: 'week', from: 2_900, to: 2_901 },
    ])
  })

  it('is covered hour by hour, once, in at most seven runs', () => {
    fc.assert(
      fc.property(fc.nat(3_000), fc.nat(3_000), (since, length) => {
        const runs = cover({ since: week + since, until: week + since + length })
        let at = week + since
        for (const { level, from, to } of runs) {
          expect(from * levelHours[level]).toBe(at)
          at = to * levelHours[level]
        }
        expect(at).toBe(week + since + length)
        expect(runs.length).toBeLessThanOrEqual(7)
      }),
    )
  })

  it('that ends before it begins is nothing', () => {
    expect(cover({ since: 5, until: 5 })).toEqual([])
    expect(cover({ since: 6, until: 5 })).toEqual([])
  })
})

it('steps begin where the window does, and the last one ends with it', () => {
  expect(steps({ since: 3, until: 10 }, 3)).toEqual([
    { since: 3, until: 6 },
    { since: 6, until: 9 },
    { since: 9, until: 10 },
  ])
  expect(steps({ since: 3, until: 3 }, 3)).toEqual([])
})
