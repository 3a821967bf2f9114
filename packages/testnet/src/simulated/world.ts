import { createHash } from 'node:crypto'
import { type CommitOp, type Curve, encodeFrame, signingKeyFromBytes, tidFromTimeUs } from '@orrery/repo'
import { createRandom, type Random } from '../activity/random.ts'
import type { DidDocument } from '../did-document.ts'
import { bendCommit, crookCommit } from './bend.ts'
import { type FaultKind, faults } from './faults.ts'
import { makePast, type Past } from './past.ts'
import { createPopularity } from './popularity.ts'
import { type MadeCommit, RepoMaker, type RecordWrite } from './repo-maker.ts'
import { firstSeq } from './seq.ts'
import { deleteShare, makeRecord, pickCollection, severalShare, type Target } from './traffic.ts'

export interface WorldOptions {
  /** What happens is determined by it. Default 1. */
  seed?: number
  /** Default 1,000. */
  accounts?: number
  /**
   * Records that accounts have already, on average: they make the trees, and so the frames, as large as real ones.
   * Default 8,000.
   */
  recordsPerAccount?: number
  /**
   * The curve of the accounts' keys. Default: K-256, and P-256 for one in twenty, as a few hosts have it. With P-256 for
   * all, frames are made twice as fast, and are cheaper to check than real ones.
   */
  curve?: Curve
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

/** One message of the simulated network. */
export type SimulatedFrame = {
  seq: number
  did: string
  bytes: Uint8Array
  /** The events in it, one `did rev action path cid` for each operation; what of it is to come out a ledger knows. */
  lines: readonly string[]
  fault: FaultKind | undefined
} & (
  | { kind: 'commit'; rev: string; since: string | null; data: string }
  | { kind: 'sync'; rev: string; data: string }
  | { kind: 'identity'; rev: ''; document: DidDocument }
  | { kind: 'account'; rev: ''; active: boolean }
)

interface Account {
  repo: RepoMaker
  past: Past
  /** Paths of records that are there and not of the past, for deletes. */
  live: string[]
  /** Records of the past that are deleted, by number. */
  gone: Set<number>
  /** When its last event that is no commit was, milliseconds since 1970. */
  noticedAt: number
  rotations: number
}

/** Targets remembered; old ones are liked no more. */
const maxTargets = 2_000

/** How many of an account's own records are remembered. */
const maxLive = 200

/** Repositories differ in size: the share of accounts that have at least so many times the average. */
const sizes = [
  { upTo: 0.1, times: 4 },
  { upTo: 0.4, times: 1.2 },
  { upTo: 1, times: 0.2 },
] as const

/**
 * A network of accounts that act as the real ones do, made of real bytes: signed commits over valid trees. It has no
 * sockets; each call makes the next frame. The same seed makes the same actions.
 */
export class SimulatedWorld {
  readonly #random: Random
  readonly #seed: number
  readonly #curve: Curve | undefined
  readonly #accounts: Account[]
  readonly #pickAccount: (random: Random) => number
  readonly #pickTarget: (random: Random) => number
  readonly #targets: Target[] = []
  readonly #now: () => number
  #seq = firstSeq
  #lastUs = 0

  constructor(options: WorldOptions = {}) {
    const { seed = 1, accounts = 1_000, recordsPerAccount = 8_000, curve, now = Date.now } = options
    const random = createRandom(seed)
    this.#random = random
    this.#seed = seed
    this.#curve = curve
    this.#now = now
    this.#pickAccount = createPopularity(accounts, 0.7)
    this.#pickTarget = createPopularity(maxTargets, 0.8)
    const pasts = sizes.map(({ times }) => makePast(Math.round(recordsPerAccount * times), random))
    this.#accounts = Array.from({ length: accounts }, (_, i) => {
      // The busy have more behind them.
      const past = pasts[sizes.findIndex(({ upTo }) => i / accounts < upTo)]!
      const repo = new RepoMaker({ did: didOf(seed, i), key: this.#keyOf(i, 0), past, now })
      return { repo, past, live: [], gone: new Set(), noticedAt: 0, rotations: 0 }
    })
    for (let i = 0; i < maxTargets; i++) {
      const did = didOf(seed, this.#pickAccount(random))
      const rkey = tidFromTimeUs(1_760_000_000_000_000 + i, i % 1024)
      this.#targets.push({ did, uri: `at://${did}/app.bsky.feed.post/${rkey}`, cid: anyCid })
    }
  }

  /** The documents of all accounts, by DID. */
  documents(): Map<string, DidDocument> {
    return new Map(this.#accounts.map(({ repo }) => [repo.did, repo.document()]))
  }

  get accounts(): number {
    return this.#accounts.length
  }

  /** The number of the newest frame; they count from `firstSeq`. */
  get seq(): number {
    return this.#seq
  }

  /** The DID of an account by its number, the busiest first. */
  did(i: number): string {
    return this.#accounts[i]!.repo.did
  }

  /** The number of an account, chosen by how busy it is. */
  pick(): number {
    return this.#pickAccount(this.#random)
  }

  /** A commit of an account that its popularity chooses, bent where a fault is given. */
  next(fault?: FaultKind): SimulatedFrame {
    return this.commitOf(this.pick(), fault)
  }

  /** A commit of this account. */
  commitOf(i: number, fault?: FaultKind): SimulatedFrame {
    const account = this.#accounts[i]!
    const seq = ++this.#seq
    const good = this.#commit(account, seq)
    const { repo } = account
    const made = fault ? bendCommit(fault, good, repo, this.#random) : good
    const frame = commitFrame(repo, made, fault)
    return fault === undefined || faults[fault].seenIn === 'order' ? frame : { ...frame, lines: [] }
  }

  /**
   * A commit of this account that is signed, and whose record or tree is mutated. Its lines may come out, where they are
   * still such that they can.
   */
  crookedOf(i: number): SimulatedFrame {
    const account = this.#accounts[i]!
    const good = this.#commit(account, ++this.#seq)
    return commitFrame(account.repo, crookCommit(good, account.repo, this.#random), undefined)
  }

  /** An #identity event; with `rotate` the account's key changes, and its document with it. */
  identityOf(i: number, rotate = false): SimulatedFrame & { kind: 'identity' } {
    const account = this.#accounts[i]!
    const { repo } = account
    if (rotate) repo.rotateKey(this.#keyOf(i, ++account.rotations))
    const base = this.#notice(account)
    const bytes = encodeFrame('#identity', base)
    const { seq, did } = base
    const lines = [`${did} identity`]
    return { kind: 'identity', seq, did, bytes, lines, fault: undefined, rev: '', document: repo.document() }
  }

  /** An #account event. */
  statusOf(i: number, active: boolean, status?: string): SimulatedFrame {
    const base = this.#notice(this.#accounts[i]!)
    const bytes = encodeFrame('#account', { ...base, active, ...(status && { status }) })
    const { seq, did } = base
    const lines = [`${did} account ${active} ${status ?? ''}`.trimEnd()]
    return { kind: 'account', seq, did, bytes, lines, fault: undefined, rev: '', active }
  }

  /** A #sync event for where the account is: no news to who has seen its commits. */
  syncOf(i: number): SimulatedFrame {
    const { repo } = this.#accounts[i]!
    const seq = ++this.#seq
    const bytes = repo.sync(seq)
    const { did, rev } = repo
    return { kind: 'sync', seq, did, bytes, lines: [], fault: undefined, rev, data: repo.data!.toString() }
  }

  /** Changes an account's repository without a word; its next #sync is all that tells of it. */
  moveInSilence(i: number): void {
    this.#commit(this.#accounts[i]!, 0)
  }

  /** Times of an account's events that are no commits rise, or two of a kind would be one event. */
  #notice(account: Account): { seq: number; did: string; time: string } {
    account.noticedAt = Math.max(this.#now(), account.noticedAt + 1)
    return { seq: ++this.#seq, did: account.repo.did, time: new Date(account.noticedAt).toISOString() }
  }

  #commit(account: Account, seq: number): MadeCommit {
    const random = this.#random
    const writes = [this.#write(account)]
    while (random.next() < severalShare && writes.length < 10) {
      const write = this.#write(account)
      if (write.rkey !== 'self') writes.push(write)
    }
    const made = account.repo.commit(writes, seq)
    for (const op of made.ops) {
      if (op.action !== 'create') continue
      account.live.push(op.path)
      if (op.path.startsWith('app.bsky.feed.post/')) this.#remember(account.repo.did, op)
    }
    if (account.live.length > maxLive) account.live.splice(0, account.live.length - maxLive)
    return made
  }

  #write(account: Account): RecordWrite {
    const random = this.#random
    if (random.next() < deleteShare) {
      const path = this.#takeOne(account)
      const [collection, rkey] = path?.split('/') ?? []
      if (collection !== undefined && rkey !== undefined) return { action: 'delete', collection, rkey }
    }
    const collection = pickCollection(random)
    const pickTarget = (): Target => this.#targets[this.#pickTarget(random)]!
    const record = makeRecord(collection, random, pickTarget, new Date(this.#now()).toISOString())
    if (collection === 'app.bsky.actor.profile') {
      const action = account.repo.has(collection, 'self') ? 'update' : 'create'
      return { action, collection, rkey: 'self', record }
    }
    this.#lastUs = Math.max(this.#now() * 1000, this.#lastUs + 1)
    return { action: 'create', collection, rkey: tidFromTimeUs(this.#lastUs, random.below(1024)), record }
  }

  /** A record to delete: one of the account's new ones, as people change their minds soon, or of its past. */
  #takeOne({ live, past, gone }: Account): string | undefined {
    const random = this.#random
    if (live.length > 0 && random.next() < 0.5) return live.splice(random.below(live.length), 1)[0]
    const i = random.below(past.paths.length)
    if (gone.has(i)) return undefined
    gone.add(i)
    return past.paths[i]
  }

  #remember(did: string, { path, cid }: CommitOp): void {
    this.#targets.pop()
    this.#targets.unshift({ did, uri: `at://${did}/${path}`, cid: cid?.toString() ?? anyCid })
  }

  #keyOf(i: number, rotation: number): ReturnType<typeof signingKeyFromBytes> {
    const secret = createHash('sha256').update(`orrery ${this.#seed} ${i} ${rotation}`).digest()
    return signingKeyFromBytes(this.#curve ?? (i % 20 === 7 ? 'p256' : 'k256'), secret)
  }
}

function commitFrame(repo: RepoMaker, made: MadeCommit, fault: FaultKind | undefined): SimulatedFrame {
  const { did } = repo
  const { seq, since } = made.body
  const lines = made.ops.map(op => line(did, made.rev, op))
  const data = repo.data!.toString()
  return { kind: 'commit', seq, did, bytes: made.frame, lines, fault, rev: made.rev, since, data }
}

const anyCid = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'

/** What identifies an event in a comparison. */
function line(did: string, rev: string, op: CommitOp): string {
  return `${did} ${rev} ${op.action} ${op.path} ${op.cid ?? ''}`.trimEnd()
}

function didOf(seed: number, i: number): string {
  const digest = createHash('sha256').update(`did ${seed} ${i}`).digest()
  const chars = 'abcdefghijklmnopqrstuvwxyz234567'
  return `did:plc:${Array.from(digest.subarray(0, 24), byte => chars[byte & 31]).join('')}`
}
