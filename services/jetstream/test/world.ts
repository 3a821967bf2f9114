import { encodeFrame } from '@orrery/repo'
import {
  type DidDocument,
  type FakePlc,
  type FakeRelay,
  RepoMaker,
  type RecordWrite,
  startFakePlc,
  startFakeRelay,
} from '@orrery/testnet'
import { startTestJetstream, type TestJetstream } from './harness.ts'

/** A Jetstream behind a scripted relay, and accounts to send with. */
export interface World extends AsyncDisposable {
  readonly relay: FakeRelay
  readonly plc: FakePlc
  readonly jetstream: TestJetstream
  /** An account by number: 0, 1, … */
  account(i: number): RepoMaker
  did(i: number): string
  /** Sends a commit of account `i`. */
  commit(i: number, ...writes: RecordWrite[]): void
  /** Sends a commit that creates one record, by default a post; answers its key. */
  create(i: number, collection?: string, record?: unknown): string
  identity(i: number, handle?: string): void
  accountStatus(i: number, active: boolean, status?: string): void
  /** The next sequence number of the relay. */
  nextSeq(): number
}

/** Starts one, connected. `flags` are the Jetstream's. */
export async function startWorld(flags: Record<string, string | true> = {}, accounts = 4): Promise<World> {
  const repos = Array.from({ length: accounts }, (_, i) => new RepoMaker({ did: didOf(i) }))
  const documents = new Map<string, DidDocument>(repos.map(repo => [repo.did, repo.document()]))
  await using stack = new AsyncDisposableStack()
  const plc = stack.use(await startFakePlc(documents))
  const relay = stack.use(await startFakeRelay())
  const jetstream = stack.use(
    await startTestJetstream({ source: relay.url, 'plc-url': plc.url, verify: 'strict', ...flags }),
  )
  await relay.nextConnection()
  let seq = 0
  let keys = 0
  const time = (): string => new Date().toISOString()
  const owned = stack.move()
  const world: World = {
    relay,
    plc,
    jetstream,
    account: i => repos[i]!,
    did: didOf,
    commit: (i, ...writes) => relay.push(repos[i]!.commit(writes, ++seq).frame),
    create(i, collection = 'app.bsky.feed.post', record = { $type: collection, text: 'hello' }) {
      const rkey = `key${++keys}`
      world.commit(i, { action: 'create', collection, rkey, record })
      return rkey
    },
    identity: (i, handle) =>
      relay.push(
        encodeFrame('#identity', { seq: ++seq, did: didOf(i), time: time(), ...(handle && { handle }) }),
      ),
    accountStatus: (i, active, status) =>
      relay.push(
        encodeFrame('#account', {
          seq: ++seq,
          did: didOf(i),
          time: time(),
          active,
          ...(status && { status }),
        }),
      ),
    nextSeq: () => ++seq,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  return world
}

function didOf(i: number): string {
  return `did:plc:${'abcdefghijklmnopqrstuvwxyz'[i]!.repeat(24)}`
}
