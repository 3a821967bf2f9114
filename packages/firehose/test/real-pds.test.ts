import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IdResolver } from '@atproto/identity'
import { Firehose as AtprotoFirehose } from '@atproto/sync'
import type { IdentityResolver } from '@orrery/identity'
import { openDatabase } from '@orrery/storage'
import {
  type Account,
  createAccount,
  type Network,
  startNetwork,
  tapFirehose,
  waitFor,
} from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Batch,
  type CommitEvent,
  createProgressTables,
  type FirehoseEvent,
  parseSource,
  prepareReadProgress,
  prepareSaveProgress,
} from '../src/index.ts'
import { progressAt } from './support/resume.ts'
import { resolverFor, run } from './support/run.ts'

const owned = new AsyncDisposableStack()
let network: Network
let identity: IdentityResolver
beforeAll(async () => {
  network = owned.use(await startNetwork({ accounts: 2 }))
  identity = owned.use(resolverFor(network.plc.url))
})
afterAll(() => owned.disposeAsync())

const source = (): string => network.pds.url
const member = (i: number): Account => network.accounts[i]!

/** What an event is about, in a few words. */
function tell(event: FirehoseEvent): string {
  if (event.kind === 'account') return `account ${event.active} ${event.status ?? ''}`.trim()
  if (event.kind === 'identity') return `identity ${event.handle ?? ''}`.trim()
  if (event.kind === 'sync') return 'sync'
  return (
    event.ops.map(({ action, collection }) => `${action} ${collection.split('.').at(-1)}`).join(' ') ||
    'empty'
  )
}

describe('a real PDS', () => {
  it('is followed through everything that an account can do, all of it verified', async () => {
    await using follower = await run({ sources: [source()], identity, verify: 'strict' })
    await follower.until('the connection', () => follower.firehose.status().state === 'live')
    const carol = await createAccount(network, 'carol')
    const post = await carol.post('a post with ünïcödé and "quotes" <&>')
    const like = await member(0).like(post)
    await carol.updateProfile({ displayName: 'Carol' })
    await carol.updateProfile({ displayName: 'Carol the second' })
    await carol.applyWrites([
      { action: 'create', collection: 'com.example.one', record: { n: 1 } },
      { action: 'create', collection: 'com.example.two', record: { n: 2, list: [null, true, { deep: -1 }] } },
    ])
    await carol.deleteRecord(post.uri)
    await carol.changeHandle('caroline')
    await carol.post('under a new name')
    await carol.deactivate()
    await carol.reactivate()
    await carol.post('back again')
    await carol.takedown()
    await carol.restore()
    await carol.post('restored')
    // What a PDS deletes it also takes out of its stream, so all of the above must have come by now.
    await follower.until('the last post', () => follower.firehose.stats.events.commit >= 10)
    await carol.deleteAccount()
    const of = (did: string): FirehoseEvent[] => follower.events.filter(event => event.did === did)
    await follower.until('the end of the account', () => {
      const last = of(carol.did).at(-1)
      return last?.kind === 'account' && last.status === 'deleted'
    })
    expect(of(carol.did).map(tell)).toEqual([
      'identity carol.test',
      'account true',
      'empty',
      'create post',
      'create profile',
      'update profile',
      'create one create two',
      'delete post',
      'identity caroline.test',
      'create post',
      'account false deactivated',
      'account true',
      'identity caroline.test',
      'create post',
      'account false takendown',
      'account true',
      'create post',
      'account false deleted',
    ])
    expect(of(member(0).did).map(tell)).toEqual(['create like'])
    expect((of(member(0).did)[0] as CommitEvent).ops[0]).toMatchObject({ cid: like.cid })
    const commits = follower.events.filter(event => event.kind === 'commit')
    expect(commits.every(({ verified }) => verified)).toBe(true)
    // A #sync for the rev that an account is at, after creating and reactivating it, tells nothing new.
    expect(follower.dropped()).toEqual({})
    expect(follower.firehose.stats).toMatchObject({
      chainBreaks: 0,
      incomplete: 0,
      unverified: 0,
      seqRegressions: 0,
    })
    expect(follower.progress.account(carol.did)).toMatchObject({ active: false, status: 'deleted' })

    const text = (i: number): string =>
      Buffer.from((of(carol.did)[i] as CommitEvent).ops[0]!.record!).toString()
    expect(JSON.parse(text(3))).toEqual(post.record)
    expect(text(3)).toContain('\\u003c\\u0026\\u003e')
  })

  it('is seen as @atproto/sync sees it: did, rev, operations and CIDs', async () => {
    const ours: string[] = []
    const theirs: string[] = []
    const record = (json: string): string => JSON.stringify(sorted(JSON.parse(json)))
    await using stack = new AsyncDisposableStack()
    const onBatch = ({ events }: Batch): void => {
      for (const event of events) {
        if (event.kind !== 'commit') continue
        for (const { action, collection, rkey, cid, record: bytes } of event.ops) {
          const json = bytes ? record(Buffer.from(bytes).toString()) : ''
          ours.push(`${event.seq} ${event.did} ${event.rev} ${action} ${collection}/${rkey} ${cid} ${json}`)
        }
      }
    }
    stack.use(await run({ sources: [source()], identity, verify: 'strict', onBatch }))
    const firehose = new AtprotoFirehose({
      service: source().replace('http', 'ws'),
      idResolver: new IdResolver({ plcUrl: network.plc.url, fetch: globalThis.fetch }),
      handleEvent(event) {
        if (event.event !== 'create' && event.event !== 'update' && event.event !== 'delete') return
        const { seq, did, rev, event: action, collection, rkey } = event
        const [cid, json] =
          event.event === 'delete' ? [null, ''] : [event.cid, record(JSON.stringify(event.record))]
        theirs.push(`${seq} ${did} ${rev} ${action} ${collection}/${rkey} ${cid} ${json}`)
      },
      onError(error) {
        throw error
      },
    })
    void firehose.start()
    try {
      // Both are there when both have told of the same sign.
      await waitFor(
        async () => {
          await member(0).post('sign')
          return ours.length > 0 && theirs.length > 0
        },
        { everyMs: 100 },
      )
      for (let i = 0; i < 15; i++) {
        const post = await member(i % 2).post(`post ${i}`)
        await member((i + 1) % 2).like(post)
        if (i % 3 === 0) await member(i % 2).updateProfile({ description: `${i}` })
        if (i % 5 === 0) await member(i % 2).deleteRecord(post.uri)
      }
      const last = await member(1).post('the end')
      const isThere = (lines: readonly string[]): boolean => lines.some(line => line.includes(last.cid))
      await waitFor(() => isThere(ours) && isThere(theirs))
      const from = Math.max(...[ours, theirs].map(([first]) => Number(first!.split(' ')[0])))
      const common = (lines: readonly string[]): string[] =>
        lines.filter(line => Number(line.split(' ')[0]) >= from).toSorted()
      expect(common(ours)).toEqual(common(theirs))
      expect(common(ours).length).toBeGreaterThan(35)
    } finally {
      await firehose.destroy()
    }
  })

  it('is followed on after a restart of ours, with progress in SQLite, and over an outage of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-pds-'))
    const writer = openDatabase(join(folder, 'state.sqlite'))
    createProgressTables(writer)
    const store = prepareReadProgress(openDatabase(join(folder, 'state.sqlite'), { readonly: true }))
    const progress = {
      ...store,
      save: writer.transaction(prepareSaveProgress(writer)),
      gaps: () => store.gaps(100),
    }
    const texts: string[] = []
    const start = () =>
      run({
        sources: [source()],
        identity,
        verify: 'strict',
        progress,
        onBatch({ events }) {
          for (const event of events) {
            if (event.kind !== 'commit') continue
            for (const { record } of event.ops) {
              texts.push((JSON.parse(Buffer.from(record!).toString()) as { text: string }).text)
            }
          }
        },
      })
    {
      await using first = await start()
      await first.until('the connection', () => first.firehose.status().state === 'live')
      await member(0).post('one')
      await first.until('it', () => texts.length === 1)
    }
    await member(1).post('two, while we were away')
    await using second = await start()
    await second.until('what was missed', () => texts.length === 2)

    await network.pds.stop()
    await second.until('the loss', () => second.firehose.status().state === 'down')
    await network.pds.start()
    await second.until('the connection', () => second.firehose.status().state === 'live')
    await member(0).post('three, after an outage')
    await second.until('it', () => texts.length === 3)
    expect(texts).toEqual(['one', 'two, while we were away', 'three, after an outage'])
    expect(second.gaps).toEqual([])
    expect(second.firehose.stats).toMatchObject({ chainBreaks: 0, unverified: 0 })
    rmSync(folder, { recursive: true })
  })

  it('can be read from its beginning, as often as one likes', async () => {
    await using tap = await tapFirehose(source(), { cursor: 0 })
    const { key } = parseSource(source())
    const post = await member(0).post('the newest')
    const progress = progressAt({ url: source() }, 0)
    await using follower = await run({ sources: [source()], identity, verify: 'strict', progress })
    const commits = await tap
      .waitFor(({ body }) => body.rev === post.rev)
      .then(() => tap.messages.filter(({ header }) => header.t === '#commit'))
    await follower.until('all commits', () => follower.firehose.stats.events.commit === commits.length)
    expect(follower.firehose.stats.chainBreaks).toBe(0)
    await follower.stop()

    // From the beginning again, with all that is known by then: nothing is news.
    progress.save({
      cursors: [{ source: key, cursor: 0, time: '', seen: [] }],
      accounts: [],
      notices: [],
      gaps: [],
    })
    await using again = await run({ sources: [source()], identity, verify: 'strict', progress })
    await again.until('the end', () => again.firehose.stats.dropped.replay >= commits.length)
    expect(again.events).toEqual([])
  })
})

/** With the keys of all objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
