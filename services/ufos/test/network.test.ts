import { type Account, type Network, startNetwork, waitFor } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestJetstream } from '../../jetstream/test/harness.ts'
import { startTestUfos, type TestUfos } from './harness.ts'

// What people do on a real PDS, as it is counted.

/** How it is heard of. */
const ways = ['the firehose of the PDS', 'our Jetstream'] as const

const note = 'app.test.note'

interface Sample {
  did: string
  rkey: string
  cid: string
  rev: string
  record: { text?: string }
  is_update: boolean
}

describe.each(ways)('through %s', way => {
  let stack: AsyncDisposableStack
  let network: Network
  let ufos: TestUfos
  let alice: Account
  let bob: Account
  let carol: Account

  beforeAll(async () => {
    stack = new AsyncDisposableStack()
    network = stack.use(await startNetwork({ accounts: 3 }))
    ;[alice, bob, carol] = network.accounts as [Account, Account, Account]
    const trusted = { 'plc-url': network.plc.url, 'allow-private-hosts': true } as const
    let source = network.pds.url.replace('http', 'ws')
    if (way === 'our Jetstream') {
      const jetstream = stack.use(await startTestJetstream({ source, ...trusted }))
      source = jetstream.subscribeUrl()
    }
    ufos = stack.use(await startTestUfos({ source, ...trusted }))
    await waitFor(() => ufos.service.health().status === 'ok')
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  const countsOf = async (nsid: string) => {
    const { collections } = await ufos.get<{ collections: Record<string, number>[] }>('/collections')
    const found = collections.find(one => (one as Record<string, unknown>)['nsid'] === nsid)
    return found && [found['creates'], found['updates'], found['deletes'], found['dids_estimate']]
  }
  const until = (nsid: string, ...expected: number[]) =>
    waitFor(async () => JSON.stringify(await countsOf(nsid)) === JSON.stringify(expected), {
      what: `${nsid} ${expected.join(' ')}`,
    })
  const samplesOf = (collection: string) => ufos.get<Sample[]>('/records', { collection })
  const value = (text: string) => ({ $type: note, text })

  it('counts what is created, updated and deleted, and by how many', async () => {
    const first = await alice.createRecord(note, value('one'))
    await bob.putRecord(note, 'self', value('two'))
    await bob.putRecord(note, 'self', value('three'))
    await until(note, 2, 1, 0, 2)
    const samples = await samplesOf(note)
    expect(samples.map(({ record, is_update }) => [record.text, is_update])).toEqual([
      ['three', true],
      ['one', false],
    ])
    expect(samples[1]).toMatchObject({ did: alice.did, cid: first.cid })
    expect(samples[1]!.rev).toMatch(/^[2-7a-z]{13}$/)
    await alice.deleteRecord(first.uri)
    await until(note, 2, 1, 1, 2)
    expect((await samplesOf(note)).map(({ did }) => did)).toEqual([bob.did])
    expect(await ufos.get('/prefix', { prefix: 'app.test' })).toMatchObject({
      total: { creates: 2, updates: 1, deletes: 1, dids_estimate: 2 },
    })
  })

  it('counts every collection of the network, and every account once over all of them', async () => {
    const post = await alice.post('hello')
    await bob.like(post)
    await carol.like(post)
    await carol.follow(alice.did)
    await until('app.bsky.feed.like', 2, 0, 0, 2)
    await until('app.bsky.graph.follow', 1, 0, 0, 1)
    const { total } = await ufos.get<{ total: Record<string, number> }>('/totals')
    expect(total['dids_estimate']).toBe(3)
    const since = new Date(Date.now() - 3_600_000).toISOString()
    const later = new Date(Date.now() + 3_600_000).toISOString()
    const { collections } = await ufos.get<{ collections: { nsid: string }[] }>('/collections', {
      order: 'dids-estimate',
      since,
      until: later,
      limit: '2',
    })
    expect(collections.map(({ nsid }) => nsid)).toContain('app.bsky.feed.like')
  })

  it('shows nothing of accounts that are gone, and what they do when they are back', async () => {
    const page = 'app.test.page'
    for (const [i, who] of [alice, bob, carol].entries()) {
      await who.createRecord(page, { $type: page, text: String(i) })
    }
    await until(page, 3, 0, 0, 3)
    const left = async () => (await samplesOf(page)).map(({ record }) => record.text)
    await bob.deactivate()
    await waitFor(async () => (await left()).length === 2)
    await carol.takedown()
    await waitFor(async () => (await left()).join('') === '0')
    await bob.reactivate()
    await bob.createRecord(page, { $type: page, text: 'back' })
    await until(page, 4, 0, 0, 3)
    expect(await left()).toEqual(['back', '0'])
    expect(ufos.failures).toEqual([])
  })
})
