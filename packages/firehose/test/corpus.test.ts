import type { IdentityResolver } from '@orrery/identity'
import { readFrame } from '@orrery/repo'
import {
  type Corpus,
  createRandom,
  loadCorpus,
  type Random,
  SHARED_DATA_ABSENT,
  startFakePlc,
  startFakeRelay,
} from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import type { FirehoseEvent } from '../src/index.ts'
import { endsOf, resolverFor, run } from './support/run.ts'

let corpus: Corpus | undefined
let identity: IdentityResolver
const owned = new AsyncDisposableStack()
beforeAll(async () => {
  corpus = await loadCorpus()
  const plc = owned.use(await startFakePlc(corpus?.didDocuments))
  identity = owned.use(resolverFor(plc.url))
})
afterAll(() => owned.disposeAsync())

function corpusOr(context: TestContext): Corpus {
  context.skip(corpus === undefined, SHARED_DATA_ABSENT)
  return corpus!
}

/** What production's Jetstream said of each frame, without the time: DID, then the commit. */
function expectedLines({ frames, expectedV1 }: Corpus): string[][] {
  const lines = expectedV1.map(line => {
    const { did } = JSON.parse(line) as { did: string }
    return `${did} ${line.slice(line.indexOf('"commit":') + 9, -1)}`
  })
  return frames.map(frame => lines.splice(0, (readFrame(frame) as { ops: unknown[] }).ops.length))
}

function linesOf(event: FirehoseEvent): string[] {
  if (event.kind !== 'commit') return [event.kind]
  const { did, rev } = event
  return event.ops.map(({ action, collection, rkey, cid, record }) => {
    const rest = record ? `,"record":${Buffer.from(record).toString()},"cid":"${cid}"` : ''
    return `${did} {"rev":"${rev}","operation":"${action}","collection":"${collection}","rkey":"${rkey}"${rest}}`
  })
}

const seqOf = (frame: Uint8Array): number => (readFrame(frame) as { seq: number }).seq

/** Sends frames under the numbers of the corpus, and answers what came of them. */
async function follow({ frames }: Corpus, sent: readonly Uint8Array[]) {
  await using relay = await startFakeRelay()
  await using follower = await run({ sources: [relay.url], identity, verify: 'strict' })
  await relay.nextConnection()
  for (const [i, frame] of sent.entries()) relay.push(frame, seqOf(frames[i]!))
  const { stats } = follower.firehose
  await follower.until('all frames to have come to their end', () => endsOf(stats) >= sent.length)
  const { events, drops } = follower
  return { events, lines: events.flatMap(linesOf).toSorted(), stats, drops, dropped: follower.dropped() }
}

/** Sends the corpus with every second frame damaged. */
async function followDamaged(
  recorded: Corpus,
  { seed, damage }: { seed: number; damage: (frame: Uint8Array, random: Random) => Uint8Array },
) {
  const { frames } = recorded
  const random = createRandom(seed)
  const isHit = (i: number): boolean => i % 2 === seed % 2
  const result = await follow(
    recorded,
    frames.map((frame, i) => (isHit(i) ? damage(frame, random) : frame)),
  )
  const lines = expectedLines(recorded)
  const others = lines.filter((_, i) => !isHit(i))
  return { ...result, others: others.flat().toSorted(), all: new Set(lines.flat()), hits: frames.length / 2 }
}

function flip(frame: Uint8Array, from: number, to: number, random: Random): Uint8Array {
  const copy = Uint8Array.from(frame)
  copy[from + random.below(to - from)]! ^= 1 << random.below(8)
  return copy
}

/** Flips a bit in a text that follows on the name of its field. */
function flipText(frame: Uint8Array, name: string, text: string, random: Random): Uint8Array {
  const at = Buffer.from(frame).indexOf(text, Buffer.from(frame).indexOf(name))
  return flip(frame, at, at + text.length, random)
}

describe('80 frames of a production relay', () => {
  it('come out verified under strict, every record byte for byte as production has it', async context => {
    const recorded = corpusOr(context)
    const { events, lines, stats, dropped } = await follow(recorded, recorded.frames)
    expect(lines).toEqual(expectedLines(recorded).flat().toSorted())
    expect(events.every(event => event.kind === 'commit' && event.verified)).toBe(true)
    expect(dropped).toEqual({})
    expect(stats).toMatchObject({
      frames: 80,
      events: { commit: 80, identity: 0, account: 0, sync: 0 },
      ops: 82,
      unverified: 0,
      incomplete: 0,
      chainBreaks: 0,
      seqRegressions: 0,
      unknownMessages: 0,
    })
  })

  const seeds = [1, 2]

  it.for(seeds)('lose just those with a bit flipped in their blocks (seed %i)', async (seed, context) => {
    const result = await followDamaged(corpusOr(context), {
      seed,
      damage(frame, random) {
        const { blocks } = readFrame(frame) as { blocks: Uint8Array }
        const from = blocks.byteOffset - frame.byteOffset
        return flip(frame, from, from + blocks.length, random)
      },
    })
    expect(result.lines).toEqual(result.others)
    expect(result.drops).toHaveLength(result.hits)
    // Nearly always it is a hash; the rest are lengths, CIDs and the header.
    expect(result.dropped.hash_mismatch).toBeGreaterThan(result.hits / 2)
  })

  it.for(seeds)('lose just those with a bit flipped in their DID (seed %i)', async (seed, context) => {
    const result = await followDamaged(corpusOr(context), {
      seed,
      damage(frame, random) {
        const { did } = readFrame(frame) as { did: string }
        return flipText(frame, 'drepo', did, random)
      },
    })
    expect(result.lines).toEqual(result.others)
    expect(result.drops).toHaveLength(result.hits)
  })

  it.for(seeds)('lose just those that are cut short (seed %i)', async (seed, context) => {
    const result = await followDamaged(corpusOr(context), {
      seed,
      damage: (frame, random) => frame.slice(0, random.below(frame.length)),
    })
    expect(result.lines).toEqual(result.others)
    expect(result.drops).toHaveLength(result.hits)
  })

  it.for(seeds)(
    'lose none but unreadable ones with a bit flipped in seq (seed %i)',
    async (seed, context) => {
      const result = await followDamaged(corpusOr(context), {
        seed,
        damage(frame, random) {
          const at = Buffer.from(frame).indexOf('cseq') + 4
          return flip(frame, at, at + 9, random)
        },
      })
      expect(result.lines.filter(line => result.others.includes(line))).toEqual(result.others)
      expect(result.events.length + result.drops.length).toBe(80)
      // A number that is too high or too low is noticed, and costs nothing.
      expect(result.stats.seqRegressions).toBeGreaterThan(0)
      expect(result.events.length).toBeGreaterThan(60)
    },
  )

  it.for(seeds)('never tell anything untrue for a bit flipped anywhere (seed %i)', async (seed, context) => {
    const result = await followDamaged(corpusOr(context), {
      seed,
      damage: (frame, random) => flip(frame, 0, frame.length, random),
    })
    expect(result.lines.filter(line => result.others.includes(line))).toEqual(result.others)
    expect(result.lines.filter(line => !result.all.has(line))).toEqual([])
    // Given out, or counted once.
    expect(endsOf(result.stats)).toBe(80)
  })
})
