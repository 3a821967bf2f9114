import { expect, it } from 'vitest'
import { chooseKept } from './retention.ts'

const hour = 3_600_000
const day = 24 * hour
/** A Wednesday, noon. */
const now = Date.parse('2026-11-18T12:00:00Z')
const none = { last: 1, hourly: 0, daily: 0, weekly: 0 }

function kept(times: number[], keep: Partial<typeof none>): string[] {
  return [...chooseKept(times, { ...none, ...keep })]
    .toSorted((a, b) => b - a)
    .map(time => new Date(time).toISOString())
}

it('the newest of each of so many hours, days and weeks stays, and the newest always', () => {
  const everyHalfHour = Array.from({ length: 48 * 60 }, (_, i) => now - i * (hour / 2))
  expect(kept(everyHalfHour, {})).toEqual(['2026-11-18T12:00:00.000Z'])
  expect(kept(everyHalfHour, { last: 0 })).toEqual(['2026-11-18T12:00:00.000Z'])
  expect(kept(everyHalfHour, { last: 2, hourly: 3 })).toEqual([
    '2026-11-18T12:00:00.000Z',
    '2026-11-18T11:30:00.000Z',
    '2026-11-18T10:30:00.000Z',
  ])
  expect(kept(everyHalfHour, { daily: 3 })).toEqual([
    '2026-11-18T12:00:00.000Z',
    '2026-11-17T23:30:00.000Z',
    '2026-11-16T23:30:00.000Z',
  ])
  expect(kept(everyHalfHour, { weekly: 3 })).toEqual([
    '2026-11-18T12:00:00.000Z',
    '2026-11-15T23:30:00.000Z',
    '2026-11-08T23:30:00.000Z',
  ])
})

it('hours without a snapshot do not count, and nothing comes of nothing', () => {
  expect(kept([now, now - 5 * day, now - 9 * day], { hourly: 2 })).toEqual([
    '2026-11-18T12:00:00.000Z',
    '2026-11-13T12:00:00.000Z',
  ])
  expect(kept([], { hourly: 2 })).toEqual([])
})
