import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cidOf, encodeCbor, valueFromJson } from '@orrery/repo'
import {
  type DidDocument,
  didDocument,
  encodeFrame,
  type FakePlc,
  type FakeRelay,
  RepoMaker,
  startFakePlc,
  startFakeRelay,
  waitFor,
} from '@orrery/testnet'
import { openDatabase } from '@orrery/storage'
import { startDns, type TestDns } from '../../../packages/identity/test/util/dns-server.ts'
import type { Flags } from '@orrery/server/testing'
import { startTestSlingshot, type TestSlingshot } from './harness.ts'
import { type ScriptedPds, startScriptedPds } from './scripted-pds.ts'

export const note = 'app.test.note'

/** An account with a real repository, on the scripted PDS. */
export interface TestAccount {
  readonly did: string
  readonly handle: string
  readonly repo: RepoMaker
  /** Writes to the repository and tells the relay; the PDS has it first. */
  write(rkey: string, text: string): string
  delete(rkey: string): void
  /** The same, of which the relay does not hear until `told` is called. */
  writeInSilence(rkey: string, text: string): () => void
  status(active: boolean, status?: string): void
  /** Tells the relay that the identity changed. */
  changed(handle?: string): void
  uri(rkey: string): string
}

/** A network of scripted parts with one real Slingshot in it. */
export interface World extends AsyncDisposable {
  readonly plc: FakePlc
  readonly pds: ScriptedPds
  readonly relay: FakeRelay
  readonly dns: TestDns
  slingshot: TestSlingshot
  account(name: string): TestAccount
  /** Waits until all that the relay was told is in the cache. */
  settled(): Promise<void>
  /** Stops the Slingshot and starts it again on its data; `between` runs while it is down. */
  restart(between?: () => void): Promise<void>
  getRecord(
    account: TestAccount,
    rkey: string,
    more?: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  /** The text of a record, or the error that is answered. */
  text(account: TestAccount, rkey: string): Promise<string>
}

export const recordPath = '/xrpc/com.atproto.repo.getRecord'

export function valueOf(text: string): Record<string, unknown> {
  return { $type: note, text }
}

export function cidOfValue(value: unknown): string {
  return cidOf(encodeCbor(valueFromJson(value))).toString()
}

export async function startWorld(flags: Flags = {}): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const plc = stack.use(await startFakePlc())
  const pds = stack.use(await startScriptedPds())
  const relay = stack.use(await startFakeRelay())
  const dns = stack.use(await startDns())
  let seq = 0
  let told = 0
  let names = 0
  const all: Flags = {
    source: relay.url,
    'plc-url': plc.url,
    dns: dns.address,
    'allow-private-hosts': true,
    verify: 'strict',
    ...flags,
  }
  // Before all else, so that it is removed behind all else.
  const dataDir = await mkdtemp(join(tmpdir(), 'slingshot-world-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const first = await startTestSlingshot({ ...all, 'data-dir': dataDir })
  // Without a cursor it begins with what comes next.
  await waitFor(() => relay.stats().open === 1, { what: 'the connection to the relay' })
  stack.defer(() => world.slingshot[Symbol.asyncDispose]())

  function tell(frame: Uint8Array, at: number): void {
    relay.push(frame, at)
    told = Math.max(told, at)
  }

  const time = (): string => new Date().toISOString()

  function account(name: string): TestAccount {
    const did = `did:plc:${`${name}${'abcdefgh'[names++ % 8]}`.replace(/[^a-z2-7]/g, 'x').padEnd(24, '2')}`
    const handle = `${name}.test`
    const repo = new RepoMaker({ did })
    plc.set(documentOf(did, handle, repo, pds.url))
    dns.names.set(`_atproto.${handle}`, [`did=${did}`])

    function writeInSilence(rkey: string, text: string): () => void {
      const record = valueOf(text)
      const action = repo.has(note, rkey) ? 'update' : 'create'
      const { frame } = repo.commit([{ action, collection: note, rkey, record }], ++seq)
      pds.records.set(`${did}/${note}/${rkey}`, { cid: cidOfValue(record), value: record })
      const at = seq
      return () => tell(frame, at)
    }
    return {
      did,
      handle,
      repo,
      writeInSilence,
      write(rkey, text) {
        writeInSilence(rkey, text)()
        return cidOfValue(valueOf(text))
      },
      delete(rkey) {
        const { frame } = repo.commit([{ action: 'delete', collection: note, rkey }], ++seq)
        pds.records.delete(`${did}/${note}/${rkey}`)
        tell(frame, seq)
      },
      status(active, status) {
        const body = { seq: ++seq, did, time: time(), active, ...(status !== undefined && { status }) }
        tell(encodeFrame({ header: { op: 1, t: '#account' }, body }), seq)
      },
      changed(newHandle) {
        const body = { seq: ++seq, did, time: time(), ...(newHandle !== undefined && { handle: newHandle }) }
        tell(encodeFrame({ header: { op: 1, t: '#identity' }, body }), seq)
      },
      uri: rkey => `at://${did}/${note}/${rkey}`,
    }
  }

  async function settled(): Promise<void> {
    await waitFor(() => world.slingshot.service.isTrusted(), {
      what: 'the cache to be trusted',
      timeoutMs: 15_000,
    })
    await waitFor(() => told === 0 || (savedCursor(dataDir) ?? 0) >= told, {
      what: `the cache to be at ${told}`,
      timeoutMs: 15_000,
    })
    // It is saved in another thread; that it is comes by a message.
    await new Promise(resolve => setTimeout(resolve, 100))
  }

  const world: World = {
    plc,
    pds,
    relay,
    dns,
    slingshot: first,
    account,
    settled,
    async restart(between) {
      await world.slingshot[Symbol.asyncDispose]()
      between?.()
      world.slingshot = await startTestSlingshot({ ...all, 'data-dir': dataDir })
    },
    getRecord: ({ did }, rkey, more = {}) =>
      world.slingshot.ask(recordPath, { repo: did, collection: note, rkey, ...more }),
    async text(of, rkey) {
      const { body } = await world.getRecord(of, rkey)
      return String((body.value as { text: string } | undefined)?.text ?? body.error)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  const owned = stack.move()
  return world
}

/** How far what is on disk has come. */
export function savedCursor(dataDir: string): number | undefined {
  const db = openDatabase(join(dataDir, 'records.sqlite'), { readonly: true })
  try {
    return (
      db.prepare<[], { cursor: number | null }>('SELECT max(cursor) AS cursor FROM upstream_cursors').get()
        ?.cursor ?? undefined
    )
  } finally {
    db.close()
  }
}

export function documentOf(did: string, handle: string, repo: RepoMaker, pds: string): DidDocument {
  return didDocument({
    did,
    alsoKnownAs: [`at://${handle}`],
    keys: { atproto: repo.key.multikey },
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', url: pds } },
  })
}
