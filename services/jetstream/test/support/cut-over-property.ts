import * as fc from 'fast-check'
import { noneTried, type Tried } from './cut-over-check.ts'
import { arbitraryPlan } from './cut-over-plan.ts'
import { startCutOverWorld } from './cut-over-world.ts'
import { play } from './cut-over.ts'

/**
 * Plays so many random plans, one after the other, on one Jetstream that goes on; answers how often what was tried. What
 * happens is determined by the seed, when it happens is not.
 */
export async function cutOverProperty(
  seed: number,
  numRuns: number,
  flags: Record<string, string>,
): Promise<Tried> {
  await using world = await startCutOverWorld(seed, flags)
  const tried = noneTried()
  await fc.assert(
    fc.asyncProperty(arbitraryPlan([...world.dids, 'did:plc:none']), plan => play(world, plan, tried)),
    { numRuns, seed, endOnFailure: true },
  )
  return tried
}
