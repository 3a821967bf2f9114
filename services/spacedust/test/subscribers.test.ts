import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { type Client, type LinkEvent, subscribe } from './harness.ts'
import { likeOf, likes, startWorld, type World } from './world.ts'

// Subscribers with filters of all kinds who come, go, and come back with a cursor, while people like, unlike and change
// their likes: each is to get what a replay of everything has of theirs, once and in order.

const post = (i: number): string => `at://did:plc:author${i % 3}/app.bsky.feed.post/${i}`
const posts = 6
const accounts = 4

interface Wish {
  subjects: string[]
  subjectDids: string[]
  authors: string[]
  instant: boolean
  /** Whether it says so in a message, and not in the query. */
  byMessage: boolean
}

/** Said the plain way. */
function fits({ subjects, subjectDids, authors }: Wish, { link }: LinkEvent): boolean {
  const isSubject =
    subjects.length + subjectDids.length === 0 ||
    subjects.includes(link.subject) ||
    subjectDids.some(did => link.subject === did || link.subject.startsWith(`at://${did}/`))
  const isAuthor = authors.length === 0 || authors.some(did => link.source_record.startsWith(`at://${did}/`))
  return isSubject && isAuthor
}

class Wanderer implements Disposable {
  readonly wish: Wish
  readonly got: LinkEvent[] = []
  #world: World
  #client: Client | undefined

  constructor(world: World, wish: Wish) {
    this.#world = world
    this.wish = wish
  }

  /** Comes back where it was. */
  async connect(): Promise<void> {
    this[Symbol.dispose]()
    const { instant, byMessage, ...lists } = this.wish
    const query = new URLSearchParams({
      instant: String(instant),
      fields: 'time_us',
      cursor: String((this.got.at(-1)?.time_us ?? -1) + 1),
      ...(byMessage && { requireHello: 'true' }),
    })
    const operations = ['create', 'delete']
    const payload = {
      wantedSubjects: lists.subjects,
      wantedSubjectDids: lists.subjectDids,
      wantedAuthors: lists.authors,
      wantedOperations: operations,
    }
    if (!byMessage) {
      for (const [name, values] of Object.entries(payload))
        for (const value of values) query.append(name, value)
    }
    const client = await subscribe(this.#world.spacedust.subscribeUrl(query.toString()))
    if (byMessage) client.send({ type: 'options_update', payload })
    this.#client = client
  }

  /** Leaves, with what has come until then. */
  [Symbol.dispose](): void {
    if (this.#client) this.got.push(...this.#client.events)
    this.#client?.socket.removeAllListeners('message')
    this.#client?.[Symbol.dispose]()
    this.#client = undefined
  }

  get count(): number {
    return this.got.length + (this.#client?.messages.length ?? 0)
  }
}

const told = ({ time_us, link }: LinkEvent): string =>
  `${time_us} ${link.operation} ${link.source_record} ${link.subject}`

it.each([1, 2])(
  'nothing is lost, doubled or out of order (seed %i)',
  async seed => {
    const random = createRandom(seed)
    const some = <T>(all: readonly T[]): T[] => all.filter(() => random.below(3) === 0)
    await using world = await startWorld({ delay: '700ms', 'max-connections-per-ip': '0' }, accounts)
    const dids = Array.from({ length: accounts }, (_, i) => world.did(i))
    using stack = new DisposableStack()
    const wanderers = Array.from({ length: 16 }, (_, i) =>
      stack.use(
        new Wanderer(world, {
          subjects: i % 3 === 0 ? [] : some(Array.from({ length: posts }, (__, at) => post(at))),
          subjectDids: i % 4 === 0 ? ['did:plc:author1'] : [],
          authors: i % 5 === 0 ? some(dids) : [],
          instant: i % 2 === 0,
          byMessage: i % 8 < 3,
        }),
      ),
    )
    const held: [account: number, rkey: string][] = []
    for (let step = 0; step < 120; step++) {
      for (let n = random.below(6); n > 0; n--) {
        const account = random.below(accounts)
        const dice = held.length > 0 ? random.below(8) : 7
        const subject = post(random.below(posts))
        if (dice < 2) world.unlike(...held.splice(random.below(held.length), 1)[0]!)
        else if (dice < 4) {
          const [who, rkey] = random.pick(held)!
          world.commit(who, { action: 'update', collection: likes, rkey, record: likeOf(subject) })
        } else held.push([account, world.like(account, subject)])
      }
      await random.pick(wanderers)!.connect()
      if (random.below(4) === 0) await sleep(random.below(60))
    }
    for (const wanderer of wanderers) await wanderer.connect()

    const all = async (instant: boolean): Promise<LinkEvent[]> => {
      using client = await subscribe(
        world.spacedust.subscribeUrl(
          `cursor=0&fields=time_us&instant=${instant}&wantedOperations=create&wantedOperations=delete&wantedSourceCollections=${likes}`,
        ),
      )
      let before = -1
      await waitFor(async () => {
        const isStill = client.messages.length === before && before > 0
        before = client.messages.length
        await sleep(1_000)
        return isStill
      })
      return client.events
    }
    const everything = { true: await all(true), false: await all(false) }
    expect(everything.false.length).toBeLessThan(everything.true.length)
    for (const wanderer of wanderers) {
      const wanted = everything[`${wanderer.wish.instant}`].filter(event => fits(wanderer.wish, event))
      await waitFor(() => wanderer.count >= wanted.length)
      wanderer[Symbol.dispose]()
      expect(wanderer.got.map(told)).toEqual(wanted.map(told))
    }
  },
  120_000,
)
