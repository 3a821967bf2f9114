import { expect, it } from 'vitest'
import { properties, readers, samples } from './fuzz.ts'
import { refusal } from './refused.ts'
import { runs } from './runs.ts'

it.each(properties())('%s answers whatever comes with a value or a RepoError', async (_, check) => {
  await expect(Promise.resolve(check(runs(2000).numRuns))).resolves.toBeUndefined()
})

it('each reader of bytes takes one of the samples that are damaged here', () => {
  const all = samples()
  for (const [name, read] of Object.entries(readers)) {
    expect({ name, taken: all.some(bytes => refusal(() => read(bytes)) === undefined) }).toEqual({
      name,
      taken: true,
    })
  }
})
