import { expect, it } from 'vitest'
import { problemsOf, soak } from './hostile/soak.ts'

it('outlives ten seconds of mutated frames, and tells each from those that are true', async () => {
  const result = await soak(1, 10)
  expect(problemsOf(result, { mutants: 2_000, reasons: 20 })).toEqual([])
}, 180_000)
