import {
  type Block,
  buildTree,
  Cid,
  type CborValue,
  cidOf,
  encodeCbor,
  encodeFrame,
  generateSigningKey,
  nodeCid,
  signCommit,
  type SigningKey,
  tidFromTimeUs,
  writeCar,
} from '@orrery/repo'
import { type DidDocument, didDocument } from '@orrery/testnet'

/** What a commit does: sets the record at a path to one with this text, or removes it. */
export interface Change {
  path: string
  text: string | undefined
}

/** A commit before it has a sequence number, since that is a relay's to give. */
export interface Draft {
  did: string
  rev: string
  type: '#commit' | '#sync' | '#identity' | '#account'
  body: { [key: string]: CborValue }
}

export interface CommitOptions {
  key?: SigningKey
  /** Put in the place of what the message honestly says. */
  lie?: { [key: string]: CborValue }
}

const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/** A did:plc that is told by its number. */
export function didOf(number: number): string {
  let rest = number
  let text = ''
  for (let i = 0; i < 24; i++) {
    text = letters[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return `did:plc:${text}`
}

/** The time of everything in tests that does not care: recent, and rising with the number. */
export function timeOf(step: number): string {
  return new Date(Date.UTC(2026, 6, 4) + step * 1000).toISOString()
}

let steps = 0

/**
 * An account that makes true commits: a repository in memory, signed, with all that proves it. Each draft is what a PDS
 * would send, and every relay sends the same with numbers of its own.
 */
export class Author {
  readonly did: string
  key: SigningKey = generateSigningKey('k256')
  rev: string | null = null
  readonly #contents = new Map<string, Cid>()

  constructor(number: number, did = didOf(number)) {
    this.did = did
  }

  get document(): DidDocument {
    return didDocument({
      did: this.did,
      alsoKnownAs: ['at://someone.test'],
      keys: { atproto: this.key.multikey },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', url: 'http://127.0.0.1:9' } },
    })
  }

  /** The records there are. */
  get paths(): string[] {
    return [...this.#contents.keys()]
  }

  /** A commit that sets the record `app.bsky.feed.post/<rkey>`. */
  post(text: string, options: CommitOptions & { rkey?: string } = {}): Draft {
    return this.commit([{ path: `app.bsky.feed.post/${options.rkey ?? `r${++steps}`}`, text }], options)
  }

  commit(changes: readonly Change[], { key = this.key, lie = {} }: CommitOptions = {}): Draft {
    const prevData = this.rev === null ? undefined : rootOf(this.#contents).root
    const records: Block[] = []
    const ops = changes.map(({ path, text }) => {
      const prev = this.#contents.get(path)
      if (text === undefined) {
        this.#contents.delete(path)
        return { action: 'delete', path, cid: null, ...(prev && { prev }) }
      }
      const bytes = encodeCbor({ $type: path.split('/')[0]!, text })
      const cid = cidOf(bytes)
      records.push({ cid, bytes })
      this.#contents.set(path, cid)
      return { action: prev ? 'update' : 'create', path, cid, ...(prev && { prev }) }
    })
    const since = this.rev
    const time = ++steps
    this.rev = tidFromTimeUs(Date.UTC(2026, 6, 4) * 1000 + time * 1_000_000, 0)
    const { root, blocks } = rootOf(this.#contents)
    const commit = signCommit({ did: this.did, rev: this.rev, data: root }, key)
    return {
      did: this.did,
      rev: this.rev,
      type: '#commit',
      body: {
        repo: this.did,
        rev: this.rev,
        since,
        commit: commit.cid,
        ...(prevData && { prevData }),
        ops,
        blocks: writeCar(commit.cid, [commit, ...blocks, ...records]),
        blobs: [],
        time: timeOf(time),
        rebase: false,
        tooBig: false,
        ...lie,
      },
    }
  }

  /** A #sync for the repository as it is: at a new rev, or at that of its last commit. */
  sync(at: 'new rev' | 'last rev' = 'new rev'): Draft {
    const time = ++steps
    const last = at === 'last rev' ? this.rev : null
    const rev = last ?? tidFromTimeUs(Date.UTC(2026, 6, 4) * 1000 + time * 1_000_000, 0)
    this.rev = rev
    const commit = signCommit({ did: this.did, rev, data: rootOf(this.#contents).root }, this.key)
    return {
      did: this.did,
      rev,
      type: '#sync',
      body: { did: this.did, rev, blocks: writeCar(commit.cid, [commit]), time: timeOf(time) },
    }
  }

  identity(handle = 'someone.test'): Draft {
    const time = timeOf(++steps)
    return { did: this.did, rev: '', type: '#identity', body: { did: this.did, handle, time } }
  }

  account(active: boolean, status?: string): Draft {
    const time = timeOf(++steps)
    const body = { did: this.did, active, ...(status !== undefined && { status }), time }
    return { did: this.did, rev: '', type: '#account', body }
  }
}

/** The frame of a draft under a number. */
export function frameOf({ type, body }: Draft, seq: number): Uint8Array {
  return encodeFrame(type, { ...body, seq })
}

function rootOf(contents: ReadonlyMap<string, Cid>): { root: Cid; blocks: Block[] } {
  const blocks: Block[] = []
  const entries = [...contents.keys()].toSorted().map(key => ({ key, value: contents.get(key)!.bytes }))
  const root = nodeCid(buildTree(entries), (cid, bytes) => blocks.push({ cid: new Cid(cid), bytes }))
  return { root: new Cid(root), blocks }
}
