import { expect, it } from 'vitest'
import { problemsOf, soak } from './hostile/soak.ts'

/** How long; ten minutes unless told otherwise. */
const seconds = Number(process.env.HOSTILE_SECONDS ?? 600)
/** Another seed is another ten minutes. */
const seed = Number(process.env.HOSTILE_SEED ?? 2)

it(
  `outlives ${seconds} seconds of mutated frames, and tells each from those that are true`,
  async () => {
    const result = await soak(seed, seconds)
    console.log(result)
    expect(problemsOf(result, { mutants: seconds * 200, reasons: 25 })).toEqual([])
  },
  (seconds + 300) * 1000,
)
