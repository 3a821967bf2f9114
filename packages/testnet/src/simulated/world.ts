import { encodeFrame, parseCid, signingKeyFromBytes, tidFromTimeUs } from '@orrery/repo'
import { createHash } from 'node:crypto'
import { createRandom, type Random } from '../activity/random.ts'
import type { DidDocument } from '../did-document.ts'
import { bendFrame } from './bend.ts'
import type { FaultKind } from './faults.ts'
import { createPopularity } from './popularity.ts'
import { type MadeCommit, RepoMaker, type RecordWrite } from './repo-maker.ts'
import { deleteShare, makeRecord, pickCollection, type Target } from './traffic.ts'

export interface WorldOptions {
  /** What happens is determined by it. Default 1. */
  seed?: number
  /** Default 1,000. */
  accounts?: number
  /** Records that accounts have already, on average: they make the trees, and so the frames, as large as real ones. Default 60. */
  recordsPerAccount?: number
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

/** One message of the simulated network, and what a consumer is to make of it. */
export interface SimulatedFrame {
  seq: number
  did: string
  bytes: Uint8Array
  /** The events that are to come out, in their order, one `did rev action path cid` each; none where it is to be dropped. */
  expected: readonly string[]
  fault: FaultKind | undefined
}

interface Account {
  repo: RepoMaker
  /** Keys of records that are there, for deletes and updates. */
  live: { collection: string; rkey: string }[]
  active: boolean
}

/** Targets remembered; old ones are liked no more. */
const maxTargets = 2_000

/**
 * A network of accounts that act as the real ones do, made of real bytes: signed commits over valid trees. It has no
 * clock and no sockets; each call makes the next frame. The same seed makes the same actions.
 */
export class SimulatedWorld {
  readonly #random: Random
  readonly #accounts: Account[]
  readonly #pickAccount: (random: Random) => number
  readonly #pickTarget: (random: Random) => number
  readonly #targets: Target[] = []
  readonly #now: () => number
  #seq = 0

  constructor(options: WorldOptions = {}) {
    const { seed = 1, accounts = 1_000, recordsPerAccount = 60, now = Date.now } = options
    this.#random = createRandom(seed)
    this.#now = now
    this.#pickAccount = createPopularity(accounts)
    this.#pickTarget = createPopularity(maxTargets, 0.8)
    this.#accounts = Array.from({ length: accounts }, (_, i) => {
      const secret = createHash('sha256').update(`orrery ${seed} ${i}`).digest()
      // A few hosts use the other curve.
      const key = signingKeyFromBytes(i % 20 === 7 ? 'p256' : 'k256', secret)
      const repo = new RepoMaker({ did: didOf(seed, i), key, now })
      // The busy have more behind them.
      repo.fill(Math.floor((recordsPerAccount * 4) / (1 + (i * 6) / accounts)), i)
      return { repo, live: [], active: true }
    })
    for (const { repo } of this.#accounts.slice(0, 50)) {
      this.#targets.push({
        did: repo.did,
        uri: `at://${repo.did}/app.bsky.feed.post/3aaaaaaaaaaaa`,
        cid: anyCid,
      })
    }
  }

  /** The documents of all accounts, by DID. */
  documents(): Map<string, DidDocument> {
    return new Map(this.#accounts.map(({ repo }) => [repo.did, repo.document()]))
  }

  /** The number of the newest frame. */
  get seq(): number {
    return this.#seq
  }

  /** The DID of an account by its number, the busiest first. */
  did(i: number): string {
    return this.#accounts[i]!.repo.did
  }

  /** A commit of an account that its popularity chooses, bent where a fault is given. */
  next(fault?: FaultKind): SimulatedFrame {
    return this.commitOf(this.#pickAccount(this.#random), fault)
  }

  /** A commit of this account. */
  commitOf(i: number, fault?: FaultKind): SimulatedFrame {
    const account = this.#accounts[i]!
    const write = this.#write(account)
    const made = account.repo.commit([write], ++this.#seq)
    const expected = account.active ? made.ops.map(op => line(account.repo.did, made, op)) : []
    if (fault === undefined)
      return { seq: this.#seq, did: account.repo.did, bytes: made.frame, expected, fault }
    const bytes = bendFrame(fault, made, account.repo, this.#random)
    return {
      seq: this.#seq,
      did: account.repo.did,
      bytes,
      expected: fault === 'duplicate' ? expected : [],
      fault,
    }
  }

  /** An #identity event; with `rotate` the account's key changes, and its document with it. */
  identityOf(i: number, rotate = false): SimulatedFrame & { document: DidDocument } {
    const { repo } = this.#accounts[i]!
    if (rotate) repo.rotateKey()
    const seq = ++this.#seq
    const body = { seq, did: repo.did, time: new Date(this.#now()).toISOString() }
    const bytes = encodeFrame('#identity', body)
    return {
      seq,
      did: repo.did,
      bytes,
      expected: [`${repo.did} identity`],
      fault: undefined,
      document: repo.document(),
    }
  }

  /** An #account event. While an account is not active, nothing of what it does is to come out. */
  statusOf(i: number, active: boolean, status?: string): SimulatedFrame {
    const account = this.#accounts[i]!
    account.active = active
    const seq = ++this.#seq
    const { did } = account.repo
    const body = { seq, did, time: new Date(this.#now()).toISOString(), active, ...(status && { status }) }
    const expected = [`${did} account ${active} ${status ?? ''}`.trimEnd()]
    return { seq, did, bytes: encodeFrame('#account', body), expected, fault: undefined }
  }

  /** A #sync event for where the account is: no news to who has seen its commits. */
  syncOf(i: number): SimulatedFrame {
    const { repo } = this.#accounts[i]!
    return { seq: ++this.#seq, did: repo.did, bytes: repo.sync(this.#seq), expected: [], fault: undefined }
  }

  #write(account: Account): RecordWrite {
    const random = this.#random
    const { live, repo } = account
    if (live.length > 0 && random.next() < deleteShare) {
      const [gone] = live.splice(random.below(live.length), 1)
      return { action: 'delete', ...gone! }
    }
    const collection = pickCollection(random)
    const target = this.#targets[Math.min(this.#pickTarget(random), this.#targets.length - 1)]!
    const record = makeRecord(collection, random, target, new Date(this.#now()).toISOString())
    if (collection === 'app.bsky.actor.profile') {
      const action = repo.has(collection, 'self') ? 'update' : 'create'
      return { action, collection, rkey: 'self', record }
    }
    const rkey = tidFromTimeUs(this.#now() * 1000 + (this.#seq % 1000), random.below(1024))
    if (repo.has(collection, rkey)) return this.#write(account)
    live.push({ collection, rkey })
    if (live.length > 200) live.shift()
    if (collection === 'app.bsky.feed.post')
      this.#remember({ did: repo.did, uri: `at://${repo.did}/${collection}/${rkey}`, cid: anyCid })
    return { action: 'create', collection, rkey, record }
  }

  #remember(target: Target): void {
    if (this.#targets.length >= maxTargets) this.#targets.pop()
    this.#targets.unshift(target)
  }
}

const anyCid = parseCid('bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm').toString()

/** What identifies an event in a comparison. */
function line(did: string, { rev }: MadeCommit, op: MadeCommit['ops'][number]): string {
  return `${did} ${rev} ${op.action} ${op.path} ${op.cid ?? ''}`.trimEnd()
}

function didOf(seed: number, i: number): string {
  const digest = createHash('sha256').update(`did ${seed} ${i}`).digest()
  const chars = 'abcdefghijklmnopqrstuvwxyz234567'
  return `did:plc:${Array.from(digest.subarray(0, 24), byte => chars[byte & 31]).join('')}`
}
