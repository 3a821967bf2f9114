import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { resumeProperty } from './support/resume.ts'

it('what is saved is what an unbroken run gives, through crashes and cuts', async () => {
  // It throws with the counterexample.
  const runs = fc.assert(resumeProperty(), { numRuns: 6 })
  await expect(runs).resolves.toBeUndefined()
}, 60_000)
