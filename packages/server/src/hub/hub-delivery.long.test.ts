import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { plan, play } from './testing/delivery.ts'

it('sends each subscriber exactly what it wants from its position on, in order, in thousands of plans', async () => {
  const property = fc.asyncProperty(plan, play)
  await expect(fc.assert(property, { numRuns: 3_000, endOnFailure: true })).resolves.toBeUndefined()
})
