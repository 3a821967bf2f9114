import { expect, it } from 'vitest'
import { LogClock } from './clock.ts'

it('goes on from the later of the log and the system, never back, and slowly after the system', () => {
  let [system, steady] = [1_000, 0]
  const clock = new LogClock(
    5_000,
    () => system,
    () => steady,
  )
  expect(clock.now()).toBe(5_000)
  // The system is behind: it goes a thousandth slower.
  steady += 1_000
  system += 1_000
  expect(clock.now()).toBe(5_999)
  // Set ahead by a day: no jump.
  system += 86_400_000
  steady += 1_000
  expect(clock.now()).toBe(7_000)
  expect(clock.now()).toBe(7_000)
})
