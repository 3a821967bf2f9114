import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { plan, play } from '../testing/log-plan.ts'

it('reads from anywhere exactly what was appended, in hundreds of courses of events', async () => {
  const property = fc.asyncProperty(plan, play)
  await expect(fc.assert(property, { numRuns: 300, endOnFailure: true })).resolves.toBeUndefined()
})
