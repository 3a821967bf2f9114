import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { resumeProperty } from './support/resume.ts'

it('what is saved is what an unbroken run gives, through many crashes and cuts', async () => {
  // It throws with the counterexample.
  const runs = fc.assert(resumeProperty(), { numRuns: 300 })
  await expect(runs).resolves.toBeUndefined()
})
