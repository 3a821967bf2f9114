import { type CommitFrame, readCar, readFrame } from '@orrery/repo'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadCorpus } from '../corpus.ts'
import { SHARED_DATA_ABSENT } from '../shared-data.ts'
import { deleteShare, trafficShares } from './traffic.ts'
import { SimulatedWorld } from './world.ts'

const commits = 3_000
const collections = Object.keys(trafficShares)

/** What there is to say of commits, in numbers. */
function summarize(frames: readonly Uint8Array[]) {
  const read = frames.map(frame => readFrame(frame) as CommitFrame)
  const ops = read.flatMap(frame => {
    const car = readCar(frame.blocks)
    return frame.ops.map(op => {
      const at = op.cid ? car.find(op.cid.bytes, 0) : -1
      return {
        action: op.action,
        collection: op.path.split('/')[0]!,
        bytes: at < 0 ? 0 : car.end(at) - car.start(at),
      }
    })
  })
  const share = (matches: (op: (typeof ops)[number]) => boolean): number =>
    ops.filter(matches).length / ops.length
  const recordBytes = (collection: string): number[] =>
    ops.filter(op => op.collection === collection && op.bytes > 0).map(({ bytes }) => bytes)
  return {
    ops: ops.length,
    frameBytes: frames.map(({ length }) => length),
    blocks: read.map(({ blocks }) => readCar(blocks).size),
    several: read.filter(frame => frame.ops.length > 1).length / read.length,
    accounts: read.map(({ did }) => did),
    shareOf: (collection: string) => share(op => op.collection === collection),
    shareOfDeletes: share(({ action }) => action === 'delete'),
    recordBytes,
  }
}

function quantile(values: readonly number[], p: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * p)]!
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

function worldFrames(): Uint8Array[] {
  const world = new SimulatedWorld({ accounts: 1_000, curve: 'p256' })
  return Array.from({ length: commits }, () => world.next().bytes)
}

describe('SimulatedWorld', () => {
  let made: ReturnType<typeof summarize>
  beforeAll(() => {
    made = summarize(worldFrames())
  })

  it('has the shares that the network has', () => {
    for (const collection of collections) {
      const wanted = trafficShares[collection as keyof typeof trafficShares]
      // Three times what chance alone makes of so many.
      const tolerance = 3 * Math.sqrt((wanted * (1 - wanted)) / made.ops)
      expect({ collection, off: Math.abs(made.shareOf(collection) - wanted) > tolerance }).toEqual({
        collection,
        off: false,
      })
    }
    expect(Math.abs(made.shareOfDeletes - deleteShare)).toBeLessThan(0.01)
    expect(made.several).toBeGreaterThan(0.005)
    expect(made.several).toBeLessThan(0.03)
  })

  it('has a few accounts that do much, and many that do little', () => {
    const byAccount = [...Map.groupBy(made.accounts, did => did).values()].map(({ length }) => length)
    const busiest = byAccount.toSorted((a, b) => b - a)
    const ofTop = (count: number): number =>
      busiest.slice(0, count).reduce((sum, frames) => sum + frames, 0) / commits
    expect(ofTop(10)).toBeGreaterThan(0.1)
    expect(ofTop(100)).toBeGreaterThan(0.35)
    expect(ofTop(100)).toBeLessThan(0.7)
    expect(byAccount.length).toBeGreaterThan(500)
  })

  it('is like what was recorded of the network', async context => {
    const corpus = await loadCorpus()
    context.skip(corpus === undefined, SHARED_DATA_ABSENT)
    const real = summarize(corpus!.frames)
    for (const collection of collections) {
      const wanted = trafficShares[collection as keyof typeof trafficShares]
      const tolerance = 3 * Math.sqrt((wanted * (1 - wanted)) / real.ops)
      expect(Math.abs(real.shareOf(collection) - made.shareOf(collection))).toBeLessThan(tolerance)
    }
    const near = (a: number, b: number, by: number): void => {
      expect(a / b).toBeGreaterThan(1 - by)
      expect(a / b).toBeLessThan(1 + by)
    }
    near(mean(made.frameBytes), mean(real.frameBytes), 0.15)
    near(quantile(made.frameBytes, 0.5), quantile(real.frameBytes, 0.5), 0.2)
    near(quantile(made.frameBytes, 0.9), quantile(real.frameBytes, 0.9), 0.25)
    expect(Math.abs(quantile(made.blocks, 0.5) - quantile(real.blocks, 0.5))).toBeLessThanOrEqual(2)
    for (const collection of ['app.bsky.feed.like', 'app.bsky.graph.follow']) {
      near(quantile(made.recordBytes(collection), 0.5), quantile(real.recordBytes(collection), 0.5), 0.02)
    }
    const meanBytes = { 'app.bsky.feed.like': 0.08, 'app.bsky.feed.repost': 0.15, 'app.bsky.feed.post': 0.25 }
    for (const [collection, by] of Object.entries(meanBytes)) {
      near(mean(made.recordBytes(collection)), mean(real.recordBytes(collection)), by)
    }
  })
})
