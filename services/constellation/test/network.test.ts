import { type Account, type Network, startNetwork, waitFor, type Written } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestJetstream } from '../../jetstream/test/harness.ts'
import { startTestConstellation, type TestConstellation } from './harness.ts'

// Everything that people do on a real PDS, as its links show.

/** How the index hears of it. */
const ways = ['the firehose of the PDS', 'our Jetstream'] as const

interface Backlinks {
  total: number
  records: { did: string; collection: string; rkey: string }[]
}

describe.each(ways)('through %s', way => {
  let stack: AsyncDisposableStack
  let network: Network
  let constellation: TestConstellation
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
    constellation = stack.use(await startTestConstellation({ source, ...trusted }))
    await waitFor(() => constellation.service.health().status === 'ok')
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  const list = (subject: string, source: string): Promise<Backlinks> =>
    constellation.get('/xrpc/blue.microcosm.links.getBacklinks', { subject, source })
  /** Waits until as many links are listed, and answers their records; the totals have to agree. */
  async function links(subject: string, source: string, count: number, total = count) {
    let found: Backlinks | undefined
    await waitFor(async () => {
      found = await list(subject, source)
      return found.records.length === count && found.total === total
    })
    return found!.records
  }
  const recordOf = (written: Written) => {
    const [did, collection, rkey] = written.uri.slice('at://'.length).split('/')
    return { did, collection, rkey }
  }

  it('shows likes, reposts, replies and quotes of a post, newest first', async () => {
    const post = await alice.post('look')
    const first = await bob.like(post)
    const second = await carol.like(post)
    const repost = await bob.repost(post)
    const ref = { uri: post.uri, cid: post.cid }
    const reply = await carol.post('yes', { reply: { root: ref, parent: ref } })
    const quote = await bob.post('this', { embed: { $type: 'app.bsky.embed.record', record: ref } })
    expect(await links(post.uri, 'app.bsky.feed.like:subject.uri', 2)).toEqual([
      recordOf(second),
      recordOf(first),
    ])
    expect(await links(post.uri, 'app.bsky.feed.repost:subject.uri', 1)).toEqual([recordOf(repost)])
    expect(await links(post.uri, 'app.bsky.feed.post:reply.parent.uri', 1)).toEqual([recordOf(reply)])
    expect(await links(post.uri, 'app.bsky.feed.post:reply.root.uri', 1)).toEqual([recordOf(reply)])
    expect(await links(post.uri, 'app.bsky.feed.post:embed.record.uri', 1)).toEqual([recordOf(quote)])
    expect(await constellation.get('/links/all', { target: post.uri })).toEqual({
      links: {
        'app.bsky.feed.like': { '.subject.uri': { records: 2, distinct_dids: 2 } },
        'app.bsky.feed.repost': { '.subject.uri': { records: 1, distinct_dids: 1 } },
        'app.bsky.feed.post': {
          '.reply.parent.uri': { records: 1, distinct_dids: 1 },
          '.reply.root.uri': { records: 1, distinct_dids: 1 },
          '.embed.record.uri': { records: 1, distinct_dids: 1 },
        },
      },
    })
  })

  it('shows follows, list items, mentions and links in text', async () => {
    const follow = await bob.follow(carol.did)
    expect(await links(carol.did, 'app.bsky.graph.follow:subject', 1)).toEqual([recordOf(follow)])

    const curated = await alice.createRecord('app.bsky.graph.list', {
      $type: 'app.bsky.graph.list',
      name: 'good people',
      purpose: 'app.bsky.graph.defs#curatelist',
      createdAt: new Date().toISOString(),
    })
    const item = await alice.createRecord('app.bsky.graph.listitem', {
      $type: 'app.bsky.graph.listitem',
      subject: carol.did,
      list: curated.uri,
      createdAt: new Date().toISOString(),
    })
    expect(await links(carol.did, 'app.bsky.graph.listitem:subject', 1)).toEqual([recordOf(item)])
    expect(
      await constellation.get('/xrpc/blue.microcosm.links.getManyToMany', {
        subject: carol.did,
        source: 'app.bsky.graph.listitem:subject',
        pathToOther: 'list',
      }),
    ).toMatchObject({ items: [{ linkRecord: recordOf(item), otherSubject: curated.uri }], cursor: null })

    const page = 'https://example.com/a?b=c'
    const post = await bob.post('@carol see', {
      facets: [
        {
          index: { byteStart: 0, byteEnd: 6 },
          features: [{ $type: 'app.bsky.richtext.facet#mention', did: carol.did }],
        },
        {
          index: { byteStart: 7, byteEnd: 10 },
          features: [{ $type: 'app.bsky.richtext.facet#link', uri: page }],
        },
      ],
      embed: {
        $type: 'app.bsky.embed.external',
        external: { uri: page, title: 'a', description: 'b' },
      },
    })
    const facet = 'app.bsky.feed.post:facets[].features[app.bsky.richtext.facet'
    expect(await links(carol.did, `${facet}#mention].did`, 1)).toEqual([recordOf(post)])
    expect(await links(page, `${facet}#link].uri`, 1)).toEqual([recordOf(post)])
    expect(await links(page, 'app.bsky.feed.post:embed.external.uri', 1)).toEqual([recordOf(post)])
  })

  it('follows updates and deletes', async () => {
    const profile = (uri: string) => ({ $type: 'app.test.page', of: uri })
    await bob.putRecord('app.test.page', 'one', profile('https://one.example'))
    await links('https://one.example', 'app.test.page:of', 1)
    await bob.putRecord('app.test.page', 'one', profile('https://two.example'))
    await links('https://two.example', 'app.test.page:of', 1)
    expect(await links('https://one.example', 'app.test.page:of', 0)).toEqual([])

    const post = await alice.post('for a moment')
    const like = await bob.like(post)
    await links(post.uri, 'app.bsky.feed.like:subject.uri', 1)
    await bob.deleteRecord(like.uri)
    expect(await links(post.uri, 'app.bsky.feed.like:subject.uri', 0)).toEqual([])
  })

  it('hides accounts while they are away, and forgets those that are deleted', async () => {
    const post = await alice.post('who is here')
    await bob.like(post)
    await carol.like(post)
    const source = 'app.bsky.feed.like:subject.uri'
    await links(post.uri, source, 2)
    await bob.deactivate()
    await links(post.uri, source, 1, 2)
    await bob.reactivate()
    await links(post.uri, source, 2)
    await carol.takedown()
    await links(post.uri, source, 1, 2)
    await carol.restore()
    await links(post.uri, source, 2)
    await carol.deleteAccount()
    await links(post.uri, source, 1, 1)
    expect(constellation.failures).toEqual([])
  })
})
