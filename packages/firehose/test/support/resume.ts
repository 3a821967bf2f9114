import { createRandom, startFakeRelay, waitFor } from '@orrery/testnet'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { createMemoryProgress, type MemoryProgress, parseSource } from '../../src/index.ts'
import { Author, type Draft, frameOf } from './author.ts'
import { nameOf, nameOfDraft, run } from './run.ts'
import { slowIdentity } from './slow-identity.ts'

const deeds = fc.array(
  fc.record({
    who: fc.nat(3),
    deed: fc.constantFrom('post', 'post', 'post', 'delete', 'identity', 'account', 'away', 'sync', 'damaged'),
  }),
  { minLength: 10, maxLength: 40 },
)

const troubles = fc.record({
  seed: fc.nat(),
  mode: fc.constantFrom('strict', 'timely'),
  cursorStyle: fc.constantFrom('>', '>='),
  /** How many batches each process saves before it dies with the next one in its hands. */
  lives: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
  /** Every how many frames the connection is cut, more or less; 0 for never. */
  cutEvery: fc.constantFrom(0, 0, 5, 15),
})

/**
 * Whatever order look-ups end in, however often the consumer's process dies between taking a batch and saving it, and
 * however often the connection is cut: what has been saved in the end is what an unbroken run gives, each account's events
 * in their order, none twice.
 */
export function resumeProperty() {
  return fc.asyncProperty(deeds, troubles, async (list, { seed, mode, cursorStyle, lives, cutEvery }) => {
    const random = createRandom(seed)
    const authors = [0, 1, 2, 3].map(i => new Author(1_000 + i))
    const script = write(list, authors, mode)
    await using relay = await startFakeRelay({ cursorStyle })
    const progress = progressAt(relay, 0)
    const saved: string[] = []
    let sent = 0

    for (const life of [...lives, Infinity]) {
      let left = life
      const death = new AbortController()
      await using follower = await run({
        sources: [relay.url],
        verify: mode,
        timelyMs: 8,
        identity: slowIdentity(authors, () => random.below(15)),
        signal: death.signal,
        onBatch({ events }) {
          if (left-- > 0) saved.push(...events.map(nameOf))
          else death.abort()
        },
        progress: {
          ...progress,
          save(change) {
            if (left >= 0) progress.save(change)
          },
        },
      })
      await relay.nextConnection()
      const until = life === Infinity ? script.length : Math.min(script.length, sent + 1 + random.below(12))
      for (; sent < until; sent++) {
        relay.push(script[sent]!.bytes, sent + 1)
        if (cutEvery > 0 && random.below(cutEvery) === 0) relay.cut()
        if (random.below(4) === 0) await new Promise(setImmediate)
      }
      const { key } = parseSource(relay.url)
      await waitFor(
        () =>
          death.signal.aborted ||
          (life === Infinity
            ? progress.cursor(key)?.cursor
            : follower.firehose.status().sources[0]!.cursor) === sent,
        { what: `the end of a life; life=${life} sent=${sent}` },
      )
    }

    for (const { did } of authors) {
      const expected = script.filter(({ draft, damaged }) => draft.did === did && !damaged)
      expect(saved.filter(name => name.includes(did))).toEqual(
        expected.map(({ draft }) => nameOfDraft(draft)),
      )
    }
    expect(saved).toHaveLength(script.filter(({ damaged }) => !damaged).length)
  })
}

/** Progress that begins at a position, and not at the live end. */
export function progressAt(relay: { url: string }, cursor: number): MemoryProgress {
  const progress = createMemoryProgress()
  const { key } = parseSource(relay.url)
  progress.save({
    cursors: [{ source: key, cursor, time: '', seen: [] }],
    accounts: [],
    notices: [],
    gaps: [],
  })
  return progress
}

interface Sent {
  draft: Draft
  bytes: Uint8Array
  /** Whether it is damaged on the way, so that nobody can give it out. */
  damaged: boolean
}

function write(
  list: readonly { who: number; deed: string }[],
  authors: readonly Author[],
  mode: 'strict' | 'timely',
): Sent[] {
  const script: Sent[] = []
  const send = (draft: Draft, damaged = false): void => {
    const bytes = frameOf(draft, script.length + 1)
    if (damaged) bytes[bytes.length >> 1]! ^= 1
    script.push({ draft, bytes, damaged })
  }
  for (const { who, deed } of list) {
    const author = authors[who]!
    const [path] = author.paths
    if (deed === 'identity') send(author.identity())
    else if (deed === 'account') send(author.account(true))
    else if (deed === 'away') {
      send(author.account(false, 'deactivated'))
      send(author.account(true))
    } else if (deed === 'sync' && mode === 'strict') {
      // Of a state that no commit told. Under timely it depends on the clock whether it comes out.
      author.post('never sent')
      send(author.sync())
    } else if (deed === 'delete' && path !== undefined) send(author.commit([{ path, text: undefined }]))
    else send(author.post('hello'), deed === 'damaged')
  }
  return script
}
