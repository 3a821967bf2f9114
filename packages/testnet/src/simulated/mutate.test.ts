import { type CommitFrame, readFrame, RepoError } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../activity/random.ts'
import { mutate, mutationKinds } from './mutate.ts'
import { SimulatedWorld } from './world.ts'

const world = new SimulatedWorld({ accounts: 5, recordsPerAccount: 200, curve: 'p256' })
const frames = Array.from({ length: 40 }, () => world.next().bytes)

describe('mutate', () => {
  it.each(mutationKinds)(
    'leaves little as it was, the same for the same seed, and the frame alone: %s',
    kind => {
      const before = frames.map(frame => Buffer.from(frame))
      const run = (seed: number): Uint8Array[] => {
        const random = createRandom(seed)
        return frames.map((frame, i) => mutate(kind, frame, random, frames[(i + 1) % frames.length]!))
      }
      const mutants = run(1)
      expect(mutants).toEqual(run(1))
      expect(mutants).not.toEqual(run(2))
      expect(frames.map(frame => Buffer.from(frame))).toEqual(before)
      const changed = mutants.filter((mutant, i) => Buffer.compare(mutant, before[i]!) !== 0)
      expect(changed.length).toBeGreaterThan(frames.length * 0.8)
    },
  )

  it('takes bytes that are no frame, and none', () => {
    const random = createRandom(3)
    const junk = Buffer.from('junk')
    for (const kind of mutationKinds) {
      for (let i = 0; i < 50; i++) mutate(kind, junk, random, frames[0]!)
      expect(mutate(kind, Buffer.alloc(0), random, junk).length).toBe(0)
    }
  })

  it('can rework a CAR in a frame that is right about it', () => {
    const random = createRandom(6)
    for (const [i, frame] of frames.entries()) {
      const read = readFrame(mutate('reworked', frame, random, frames[(i + 1) % 40]!)) as CommitFrame
      expect({ ...read, blocks: undefined }).toEqual({
        ...(readFrame(frame) as CommitFrame),
        blocks: undefined,
      })
    }
  })

  it('goes to all depths: heads, bodies, blocks', () => {
    const random = createRandom(4)
    const codes = new Set<string>()
    for (let i = 0; i < 3_000; i++) {
      const kind = mutationKinds[i % mutationKinds.length]!
      try {
        readFrame(mutate(kind, frames[i % 40]!, random, frames[(i + 7) % 40]!))
        codes.add('a frame')
      } catch (error) {
        if (!(error instanceof RepoError)) throw error
        codes.add(error.code)
      }
    }
    expect([...codes]).toEqual(
      expect.arrayContaining([
        'a frame',
        'frame_bad',
        'frame_bad_body',
        'cbor_truncated',
        'cbor_non_minimal',
      ]),
    )
    expect(codes.size).toBeGreaterThan(8)
  })
})
