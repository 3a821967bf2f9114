import type { Level } from '../../time.ts'

/** What stands for the levels in the tables. */
export const levelNumbers: Readonly<Record<Level | 'ever', number>> = {
  hour: 0,
  quarter: 1,
  day: 2,
  week: 3,
  ever: 4,
}
