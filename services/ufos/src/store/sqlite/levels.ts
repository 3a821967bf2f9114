import type { Level } from '../../time.ts'

/** What stands for the levels in the tables. */
export const levelNumbers: Readonly<Record<Level | 'ever', number>> = {
  hour: 0,
  quarter: 1,
  day: 2,
  week: 3,
  ever: 4,
}

const numberSpan = 2 ** 21
const levelSpan = 8

/** The key of what happened in an hour, quarter, day or week: those of a level in their order. Hours fit until 2209. */
export function tallyKey(level: Level | 'ever', number: number): number {
  return levelNumbers[level] * numberSpan + number
}

/** The same of one collection: all of a collection, then the levels, then their numbers. */
export function cellKey(collection: number, level: Level | 'ever', number: number): number {
  return collection * levelSpan * numberSpan + tallyKey(level, number)
}
