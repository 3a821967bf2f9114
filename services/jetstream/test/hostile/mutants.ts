import {
  createRandom,
  loadCorpus,
  mutate,
  mutationKinds,
  type SimulatedFrame,
  SimulatedWorld,
} from '@orrery/testnet'
import type { Event } from '../harness.ts'
import { lineOf } from './log-lines.ts'

/** How many accounts there are. Every second one is a victim: only its frames are mutated. */
const accounts = 400

/**
 * How many frames there are to mutate at a time, the newest: a mutant that is as good as its frame makes replays of all that
 * its account did before, and replays are dropped at once.
 */
const poolSize = 300

/** The share of mutants that are made of recorded frames, of which each can be good but once. */
const recordedShare = 0.1

/**
 * A network between whose accounts and whose consumer somebody changes bytes: every other account's frames come as they
 * were, of the others only mutants.
 */
export async function createMutants(seed: number) {
  const world = new SimulatedWorld({ seed, accounts, recordsPerAccount: 2_000 })
  const random = createRandom(seed + 1)
  const corpus = await loadCorpus()
  const documents = new Map([...(corpus?.didDocuments ?? []), ...world.documents()])
  /** What accounts did whose frames are not touched. */
  const expected: string[] = []
  /** What victims did, or signed: more than that must not come out of them. */
  const possible = new Set<string>(corpus?.expectedV1.map(line => lineOf(JSON.parse(line) as Event)))
  let pool: Uint8Array[] = []

  const unharmed = new Set(Array.from({ length: accounts / 2 }, (_, i) => world.did(i * 2)))
  const pick = (victim: boolean): number => random.below(accounts / 2) * 2 + (victim ? 1 : 0)

  function remember({ bytes, lines }: SimulatedFrame): void {
    for (const line of lines) possible.add(line)
    pool.push(bytes)
    if (pool.length > poolSize * 2) pool = pool.slice(-poolSize)
  }

  function makeOne(): void {
    const i = pick(true)
    const dice = random.next()
    if (dice > 0.15) remember(world.commitOf(i))
    else if (dice > 0.1) remember(world.syncOf(i))
    // What nobody signs is believed, so some mutants of these come out; of accounts that are victims anyway.
    else remember(dice > 0.05 ? world.identityOf(i) : world.statusOf(i, true))
  }
  for (let i = 0; i < poolSize; i++) makeOne()

  return {
    documents,
    expected,
    possible,
    isVictim: (did: string): boolean => !unharmed.has(did),
    /** The next frame of an account that nobody touches. */
    good(): SimulatedFrame {
      const frame = world.commitOf(pick(false))
      expected.push(...frame.lines)
      return frame
    },
    /** Takes a new frame of a victim into what is mutated; answers one that its account itself has made crooked. */
    crooked(): Uint8Array {
      makeOne()
      const frame = world.crookedOf(pick(true))
      for (const line of frame.lines) possible.add(line)
      return frame.bytes
    },
    /** A frame of a victim with something done to it, at times twice. */
    mutant(): Uint8Array {
      const one = (bytes: Uint8Array): Uint8Array =>
        mutate(random.pick(mutationKinds)!, bytes, random, random.pick(pool)!)
      const recorded = random.next() < recordedShare ? random.pick(corpus?.frames ?? []) : undefined
      const bytes = one(recorded ?? random.pick(pool)!)
      return random.next() < 0.2 ? one(bytes) : bytes
    },
  }
}
