import { encodeFrame } from '@orrery/repo'
import { type FakeRelay, RepoMaker, type RecordWrite, startFakeRelay } from '@orrery/testnet'
import type { Flags } from '@orrery/server/testing'
import { startTestSpacedust, type TestSpacedust } from './harness.ts'

/** A Spacedust behind a scripted relay, and accounts to send with. */
export interface World extends AsyncDisposable {
  readonly relay: FakeRelay
  readonly spacedust: TestSpacedust
  did(i: number): string
  /** Sends a commit of account `i`. */
  commit(i: number, ...writes: RecordWrite[]): void
  /** Sends a like by account `i`, and answers its key. */
  like(i: number, subject: string): string
  unlike(i: number, rkey: string): void
  deleteAccount(i: number): void
}

export const likes = 'app.bsky.feed.like'

/** Starts one, connected. `flags` are the Spacedust's. */
export async function startWorld(flags: Flags = {}, accounts = 4): Promise<World> {
  const repos = Array.from({ length: accounts }, (_, i) => new RepoMaker({ did: didOf(i) }))
  await using stack = new AsyncDisposableStack()
  const relay = stack.use(await startFakeRelay())
  const spacedust = stack.use(await startTestSpacedust({ source: relay.url, verify: 'off', ...flags }))
  await relay.nextConnection()
  let seq = 0
  let keys = 0
  const owned = stack.move()
  const world: World = {
    relay,
    spacedust,
    did: didOf,
    commit: (i, ...writes) => relay.push(repos[i]!.commit(writes, ++seq).frame),
    like(i, subject) {
      const rkey = `key${++keys}`
      world.commit(i, { action: 'create', collection: likes, rkey, record: likeOf(subject) })
      return rkey
    },
    unlike: (i, rkey) => world.commit(i, { action: 'delete', collection: likes, rkey }),
    deleteAccount(i) {
      const time = new Date().toISOString()
      relay.push(
        encodeFrame('#account', { seq: ++seq, did: didOf(i), time, active: false, status: 'deleted' }),
      )
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  return world
}

export function likeOf(subject: string): Record<string, unknown> {
  return { $type: likes, subject: { uri: subject } }
}

function didOf(i: number): string {
  return `did:plc:${'abcdefghijklmnopqrstuvwxyz'[i]!.repeat(24)}`
}
