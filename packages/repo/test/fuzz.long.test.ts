import { expect, it } from 'vitest'
import { properties } from './fuzz.ts'
import { runs } from './runs.ts'

// The fuzzing of fuzz.test.ts, by the minute.
it.each(properties())('%s answers whatever comes with a value or a RepoError', async (_, check) => {
  await expect(Promise.resolve(check(runs(60_000).numRuns))).resolves.toBeUndefined()
})
