// A network's changes at the price of a few strings each: the simulated network's shares of kinds (`trafficShares` of
// testnet), without its bytes and signatures, which nobody looks at behind the firehose.
import type { Change, Link } from '../src/store.ts'
import { did, hash, tid } from './names.ts'

/** Accounts that act: with twenty million links, forty links to each. */
const accounts = 500_000

/** Time from one operation to the next, microseconds: twenty million links a day. */
const stepUs = 5_100

/** Posts that were there before. */
const oldPosts = 100_000
const postShare = 0.12

const startUs = Date.UTC(2026, 5, 1) * 1000

/** Records that were made last, some of which are deleted: people change their minds soon. */
const recentRecords = 65_536

const post = 'app.bsky.feed.post'
const like = 'app.bsky.feed.like'
const repost = 'app.bsky.feed.repost'
const follow = 'app.bsky.graph.follow'
const block = 'app.bsky.graph.block'
const collections = [post, like, repost, follow, block]
const facet = '.facets[app.bsky.richtext.facet].features[app.bsky.richtext.facet#'

/** Of all links one in twenty goes to one post, and one in two hundred to each of five: by their share of the likes. */
const hugeShare = 0.086
const largeShare = 0.0086
const largeTargets = 5

/** The post that one link in twenty goes to: as many as a million of twenty million. */
export const hugeTarget = `at://${did(7)}/${post}/${tid(startUs - 60_000_000, 7)}`
export const likes = { collection: like, path: '.subject.uri' }
/** Where a like was met, which one in six keeps. */
export const viaPath = '.via.uri'

/** Changes as they come off a network, each with a rev of its own. The same in every run. */
export class Traffic {
  /** Links put so far, whatever became of them. */
  links = 0
  /** Changes so far. */
  changes = 0
  #seed = 0x1234_5678
  #posts = oldPosts
  /** In columns: as objects they would be much of the memory that is measured. */
  readonly #recent = {
    count: 0,
    account: new Int32Array(recentRecords),
    collection: new Uint8Array(recentRecords),
    us: new Float64Array(recentRecords),
  }

  /** The network's time, milliseconds since 1970. */
  get timeMs(): number {
    return (startUs + this.changes * stepUs) / 1000
  }

  take(count: number): Change[] {
    return Array.from({ length: count }, () => this.next())
  }

  next(): Change {
    const nowUs = startUs + ++this.changes * stepUs
    const dice = this.#random() * 0.985
    if (this.#random() < 0.03) return this.#delete(nowUs)
    // The busiest per mille of all accounts do an eighth of everything.
    const account = Math.floor(accounts * this.#random() ** 3.33)
    // A record's key is a moment older than what the network tells of it.
    const us = nowUs - 200_000 - Math.floor(this.#random() ** 2 * 2_000_000)
    if (dice < 0.69) return this.#put(account, like, us, nowUs, this.#likeLinks())
    if (dice < 0.69 + postShare) {
      const author = authorOf(this.#posts)
      const key = postUs(this.#posts++)
      return this.#put(author, post, key, nowUs, this.#postLinks())
    }
    if (dice < 0.91) return this.#put(account, repost, us, nowUs, this.#repostLinks())
    const subject = { path: '.subject', target: did(this.#popularAccount()) }
    return this.#put(account, dice < 0.97 ? follow : block, us, nowUs, [subject])
  }

  #put(account: number, collection: string, us: number, nowUs: number, links: Link[]): Change {
    const recent = this.#recent
    const at = recent.count < recentRecords ? recent.count++ : this.changes % recentRecords
    recent.account[at] = account
    recent.collection[at] = collections.indexOf(collection)
    recent.us[at] = us
    this.links += links.length
    return { kind: 'put', record: keyOf({ account, collection, us }), rev: tid(nowUs, account), links }
  }

  /** Half of what is deleted is older than the index. */
  #delete(nowUs: number): Change {
    const recent = this.#recent
    const at = Math.floor(this.#random() * recent.count)
    const account = recent.account[at]!
    const us = this.#random() < 0.5 ? startUs - Math.floor(this.#random() * 1e13) : recent.us[at]!
    const collection = collections[recent.collection[at]!]!
    return { kind: 'delete', record: keyOf({ account, collection, us }), rev: tid(nowUs, account) }
  }

  #likeLinks(): Link[] {
    const which = this.#random()
    if (which < hugeShare) return this.#withVia({ path: likes.path, target: hugeTarget }, 7, 0.17)
    if (which < hugeShare + largeShare * largeTargets) {
      const large = 8 + Math.floor((which - hugeShare) / largeShare)
      return [{ path: likes.path, target: `at://${did(large)}/${post}/${tid(startUs - large, large)}` }]
    }
    const number = this.#popularPost()
    return this.#withVia({ path: likes.path, target: uriOf(number) }, number, 0.17)
  }

  #repostLinks(): Link[] {
    const number = this.#popularPost()
    return this.#withVia({ path: likes.path, target: uriOf(number) }, number, 0.4)
  }

  /** Some keep through whose repost they met it; a post has three of them. */
  #withVia(link: Link, number: number, share: number): Link[] {
    if (this.#random() >= share) return [link]
    const which = number * 3 + Math.floor(this.#random() * 3)
    const by = authorOf(which ^ 0x5bd1)
    return [
      link,
      { path: viaPath, target: `at://${did(by)}/${repost}/${tid(postUs(number) + which * 977, by)}` },
    ]
  }

  #postLinks(): Link[] {
    const links: Link[] = []
    const dice = this.#random()
    if (dice < 0.5) {
      const root = uriOf(this.#popularPost())
      const parent = this.#random() < 0.6 ? root : uriOf(this.#popularPost())
      links.push({ path: '.reply.parent.uri', target: parent }, { path: '.reply.root.uri', target: root })
    } else if (dice < 0.6) {
      const page = Math.floor(1_000_000 * this.#random() ** 3)
      links.push({ path: '.embed.external.uri', target: `https://news-${page % 97}.example/2026/${page}` })
    } else if (dice < 0.67) {
      links.push({ path: '.embed.record.uri', target: uriOf(this.#popularPost()) })
    }
    const extra = this.#random()
    if (extra < 0.1) links.push({ path: `${facet}mention].did`, target: did(this.#popularAccount()) })
    else if (extra < 0.2) {
      const page = Math.floor(1_000_000 * this.#random() ** 3)
      links.push({ path: `${facet}link].uri`, target: `https://site-${page % 9973}.example/read/${page}` })
    }
    return links
  }

  /** Half goes to what is new, half to what is popular: the first percent of all posts has a third of that. */
  #popularPost(): number {
    const { next, one } = { next: this.#random(), one: this.#random() }
    if (next < 0.5) return Math.max(0, this.#posts - 1 - Math.floor(200_000 * one ** 3))
    return Math.floor(this.#posts * one ** 4)
  }

  #popularAccount(): number {
    return Math.floor(accounts * this.#random() ** 5)
  }

  /** From 0 up to, not including, 1. */
  #random(): number {
    this.#seed = (this.#seed + 0x9e37_79b9) | 0
    return hash(this.#seed) / 0x1_0000_0000
  }
}

function keyOf({ account, collection, us }: { account: number; collection: string; us: number }) {
  return { did: did(account), collection, rkey: tid(us, account) }
}

function authorOf(number: number): number {
  return Math.floor(accounts * (hash(number) / 0x1_0000_0000) ** 3.33)
}

function postUs(number: number): number {
  return startUs + Math.floor(((number - oldPosts) * stepUs) / postShare)
}

function uriOf(number: number): string {
  const author = authorOf(number)
  return `at://${did(author)}/${post}/${tid(postUs(number), author)}`
}
