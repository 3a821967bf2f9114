import { type Account, type Network, startNetwork, tapFirehose, waitFor } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestJetstream } from '../../jetstream/test/harness.ts'
import { type Client, startTestSpacedust, subscribe, type TestSpacedust } from './harness.ts'

// What people do on a real PDS, as its links show, with the delay that the reference has.

const ways = ['the firehose of the PDS', 'our Jetstream'] as const
const changes = 'wantedOperations=create&wantedOperations=delete'

// Side by side: most of it is waiting.
describe.concurrent.each(ways)('through %s', way => {
  let stack: AsyncDisposableStack
  let network: Network
  let spacedust: TestSpacedust
  /** On the same network, with a short delay. */
  let hasty: TestSpacedust
  let alice: Account
  let bob: Account
  let carol: Account
  let dora: Account

  beforeAll(async () => {
    stack = new AsyncDisposableStack()
    network = stack.use(await startNetwork({ accounts: 4 }))
    ;[alice, bob, carol, dora] = network.accounts as [Account, Account, Account, Account]
    const trusted = { 'plc-url': network.plc.url, 'allow-private-hosts': true } as const
    let source = network.pds.url.replace('http', 'ws')
    if (way === 'our Jetstream') {
      const jetstream = stack.use(await startTestJetstream({ source, ...trusted }))
      source = jetstream.subscribeUrl()
    }
    spacedust = stack.use(await startTestSpacedust({ source, ...trusted }))
    hasty = stack.use(await startTestSpacedust({ source, ...trusted, delay: '2s' }))
    for (const { service } of [spacedust, hasty])
      await waitFor(() => service.health().status === 'ok', { timeoutMs: 60_000 })
  }, 150_000)
  afterAll(() => stack.disposeAsync())

  const open = async (query: string, of = spacedust): Promise<Client> => subscribe(of.subscribeUrl(query))
  const told = (client: Client): string[] =>
    client.events.map(({ link }) => `${link.operation} ${link.source_record}`)

  it('likes show at once or after 21 s; what was undone by then never does', async () => {
    const post = await alice.post('look')
    const subject = `wantedSubjects=${encodeURIComponent(post.uri)}`
    using instant = await open(`${subject}&instant=true`)
    using everything = await open(`${subject}&instant=true&${changes}`)
    using delayed = await open(subject)

    // The first commit of an account waits for its identity.
    await bob.like(post)
    await instant.count(1)
    const likedAt = Date.now()
    // A second like by the same account would make its PDS delete the first.
    const mistake = await bob.repost(post)
    await instant.count(2)
    const like = await carol.like(post)
    await instant.count(3)
    await bob.deleteRecord(mistake.uri)
    await everything.count(4)
    expect(told(everything).slice(1)).toEqual([
      `create ${mistake.uri}`,
      `create ${like.uri}`,
      `delete ${mistake.uri}`,
    ])
    expect(told(instant)).not.toContain(`delete ${mistake.uri}`)

    expect(delayed.messages).toHaveLength(0)
    await delayed.count(2, 30_000)
    const heldMs = Date.now() - likedAt
    expect(heldMs).toBeGreaterThan(20_500)
    expect(told(delayed)).toContain(`create ${like.uri}`)
    expect(told(delayed)).not.toContain(`create ${mistake.uri}`)
  }, 90_000)

  it('a like shows within 100 ms of what the firehose told', async () => {
    using instant = await open(`instant=true&wantedAuthors=${carol.did}`)
    await using firehose = await tapFirehose(network.pds.url)
    const tookMs: number[] = []
    for (let i = 0; i < 11; i++) {
      const post = await alice.post(`number ${i}`)
      await firehose.told(
        () => carol.like(post),
        ({ body }) => body.repo === carol.did,
      )
      const toldAt = performance.now()
      await waitFor(() => instant.events.some(({ link }) => link.subject === post.uri), { everyMs: 1 })
      tookMs.push(performance.now() - toldAt)
    }
    // The median: one of them may meet a pause of the machine.
    expect(tookMs.toSorted((a, b) => a - b)[5]).toBeLessThan(100)
  }, 60_000)

  it('what is undone after it showed shows as gone to who asks', async () => {
    const post = await alice.post('look again')
    const subject = `wantedSubjects=${encodeURIComponent(post.uri)}`
    using delayed = await open(subject, hasty)
    using delayedChanges = await open(`${subject}&${changes}`, hasty)
    const like = await carol.like(post)
    await delayedChanges.count(1, 30_000)
    await carol.deleteRecord(like.uri)
    await delayedChanges.count(2, 30_000)
    expect(told(delayedChanges)).toEqual([`create ${like.uri}`, `delete ${like.uri}`])
    expect(told(delayed)).toEqual([`create ${like.uri}`])
  }, 90_000)

  it('account deletion tells what the account linked to', async () => {
    using client = await open(`instant=true&${changes}&wantedAuthors=${dora.did}`)
    const follow = await dora.follow(alice.did)
    const post = await dora.post('bye')
    const reply = await dora.post('bye again', { reply: { root: post, parent: post } })
    await waitFor(() => client.events.some(({ link }) => link.source_record === reply.uri))
    await dora.deleteAccount()
    const gone = (): string[] =>
      client.events.filter(({ link }) => link.operation === 'delete').map(({ link }) => link.source_record)
    await waitFor(() => gone().length >= 3)
    expect(gone()).toEqual(expect.arrayContaining([follow.uri, reply.uri]))
  }, 60_000)
})
