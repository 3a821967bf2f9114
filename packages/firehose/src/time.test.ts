import { expect, it } from 'vitest'
import { isTime, plausibleTime } from './time.ts'

const now = Date.UTC(2026, 6, 4)

it.each([
  ['2026-07-04T00:00:00.000Z', true, true],
  ['2026-07-04T02:04:59+02:00', true, true],
  ['2026-07-04T00:06:00Z', true, false],
  ['2999-01-01T00:00:00Z', true, false],
  ['1970-01-01T00:00:00Z', true, true],
  ['', false, false],
  ['soon', false, false],
  [`2026-07-04T00:00:00.${'0'.repeat(60)}Z`, false, false],
])('%s is a time: %s; one to believe: %s', (text, is, plausible) => {
  expect(isTime(text)).toBe(is)
  expect(plausibleTime(text, now)).toBe(plausible ? text : '')
})
