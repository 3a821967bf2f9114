import {
  addKey,
  type Block,
  Cid,
  type CidBytes,
  cidOf,
  type CommitOp,
  emptyTree,
  encodeCbor,
  encodeFrame,
  generateSigningKey,
  getKey,
  invertOps,
  type LoadNode,
  loadFrom,
  type MstNode,
  nodeCid,
  removeKey,
  replaceKey,
  signCommit,
  type SigningKey,
  tidFromTimeUs,
  valueFromJson,
  writeCar,
} from '@orrery/repo'
import { type DidDocument, didDocument } from '../did-document.ts'
import { cidKey, type Past } from './past.ts'

/** A change of one record. `record` is JSON, with `$link` and `$bytes` where it has any; a delete has none. */
export interface RecordWrite {
  action: 'create' | 'update' | 'delete'
  collection: string
  rkey: string
  record?: unknown
  /** Instead of `record`: a block of any bytes. */
  block?: Block
}

/** A commit as its host would announce it. */
export interface MadeCommit {
  /** The whole frame, ready for a relay. */
  frame: Uint8Array
  /** The fields of its body, to make other frames from. */
  body: CommitBody
  rev: string
  ops: readonly CommitOp[]
}

export interface CommitBody {
  seq: number
  repo: string
  rev: string
  since: string | null
  commit: Cid
  prevData: Cid | null
  ops: { action: string; path: string; cid: Cid | null; prev?: Cid }[]
  blocks: Uint8Array
  blobs: []
  rebase: boolean
  tooBig: boolean
  time: string
}

export interface RepoMakerOptions {
  did: string
  /** Default: a fresh K-256 key. */
  key?: SigningKey
  /** Records that are there already. Default: none, so that the first commit is the repository's first. */
  past?: Past
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

/** Nodes of trees before are forgotten when there are twice as many as were needed the last time, and these more. */
const spareNodes = 200

/**
 * Makes a repository of real bytes: signed commits over a valid tree, with the blocks that prove each, as a PDS does,
 * some hundred times faster. What it makes is checked by nothing of its own: that is for the code under test.
 */
export class RepoMaker {
  readonly did: string
  key: SigningKey
  /** The rev of the newest commit; empty before the first. */
  rev = ''
  /** The root of the tree; null before the first commit. */
  data: Cid | null = null
  readonly #now: () => number
  readonly #past: Past | undefined
  readonly #load: LoadNode
  #lastRevUs = 0
  #root: MstNode = emptyTree()
  /** Nodes that are not of the past, by `cidKey`: those of the tree, and for a while those of trees before. */
  #nodes = new Map<string, Uint8Array>()
  #pruneAt = spareNodes

  constructor({ did, key = generateSigningKey(), past, now = Date.now }: RepoMakerOptions) {
    this.did = did
    this.key = key
    this.#now = now
    this.#past = past
    this.#load = loadFrom({ get: cid => this.#node(cidKey(cid.bytes)) })
    if (past) {
      this.data = new Cid(past.root)
      this.#root = this.#load(past.root, undefined)
      this.rev = this.#nextRev()
    }
  }

  /** The account's DID document, with this key. */
  document(pds = 'https://pds.test'): DidDocument {
    return didDocument({
      did: this.did,
      alsoKnownAs: [],
      keys: { atproto: this.key.multikey },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', url: pds } },
    })
  }

  /** Whether a record is there. */
  has(collection: string, rkey: string): boolean {
    return getKey(this.#root, `${collection}/${rkey}`, this.#load) !== undefined
  }

  /** Applies writes in one commit. */
  commit(writes: readonly RecordWrite[], seq: number): MadeCommit {
    const records: Block[] = []
    const ops = writes.map(write => this.#apply(write, records))
    const nodes = new Map<string, Block>()
    const data = new Cid(nodeCid(this.#root, (cid, bytes) => this.#keep(cid, bytes, nodes)))
    const since = this.rev === '' ? null : this.rev
    const prevData = this.data
    this.rev = this.#nextRev()
    this.data = data
    const commit = signCommit({ did: this.did, rev: this.rev, data }, this.key)
    if (ops.length > 0) this.#addProof(data.bytes, ops, nodes)
    this.#prune()

    const body: CommitBody = {
      seq,
      repo: this.did,
      rev: this.rev,
      since,
      commit: commit.cid,
      prevData,
      ops: ops.map(op => ({
        action: op.action,
        path: op.path,
        cid: op.cid,
        ...(op.prev && { prev: op.prev }),
      })),
      blocks: writeCar(commit.cid, [commit, ...nodes.values(), ...records]),
      blobs: [],
      rebase: false,
      tooBig: false,
      time: new Date(this.#now()).toISOString(),
    }
    return { frame: encodeFrame('#commit', frameBody(body)), body, rev: this.rev, ops }
  }

  /** Takes another key; the document says so from now on. Default: a fresh one of the same curve. */
  rotateKey(key: SigningKey = generateSigningKey(this.key.curve)): void {
    this.key = key
  }

  /** A #sync message for the newest commit. */
  sync(seq: number): Uint8Array {
    const commit = signCommit({ did: this.did, rev: this.rev, data: this.data! }, this.key)
    return encodeFrame('#sync', {
      seq,
      did: this.did,
      rev: this.rev,
      blocks: writeCar(commit.cid, [commit]),
      time: new Date(this.#now()).toISOString(),
    })
  }

  #apply({ action, collection, rkey, record, block }: RecordWrite, records: Block[]): CommitOp {
    const path = `${collection}/${rkey}`
    if (action === 'delete') {
      const removed = removeKey(this.#root, path, this.#load)
      this.#root = removed.root
      return { action, path, cid: null, prev: new Cid(removed.was) }
    }
    const made = block ?? blockOf(encodeCbor(valueFromJson(record)))
    const { cid } = made
    records.push(made)
    if (action === 'create') {
      this.#root = addKey(this.#root, path, cid.bytes, this.#load)
      return { action, path, cid, prev: null }
    }
    const replaced = replaceKey(this.#root, path, cid.bytes, this.#load)
    this.#root = replaced.root
    return { action, path, cid, prev: new Cid(replaced.was) }
  }

  /** Adds the nodes that undoing the operations touches: a proof has those, new or old. */
  #addProof(data: CidBytes, ops: readonly CommitOp[], nodes: Map<string, Block>): void {
    const load: LoadNode = (cid, layer) => {
      const key = cidKey(cid)
      nodes.set(key, { cid: new Cid(cid), bytes: this.#node(key)! })
      return this.#load(cid, layer)
    }
    invertOps(load(data, undefined), ops, load)
  }

  #node(key: string): Uint8Array | undefined {
    return this.#nodes.get(key) ?? this.#past?.nodes.get(key)
  }

  #keep(cid: CidBytes, bytes: Uint8Array, nodes: Map<string, Block>): void {
    const key = cidKey(cid)
    this.#nodes.set(key, bytes)
    nodes.set(key, { cid: new Cid(cid), bytes })
  }

  /** Forgets the nodes of trees before, now and then, and those of this one that stand parsed in memory. */
  #prune(): void {
    if (this.#nodes.size < this.#pruneAt) return
    const kept = new Map<string, Uint8Array>()
    const keep = (cid: CidBytes, layer: number | undefined): void => {
      const key = cidKey(cid)
      const bytes = this.#nodes.get(key)
      // Below a node of the past there are only such.
      if (!bytes || kept.has(key)) return
      kept.set(key, bytes)
      const node = this.#load(cid, layer)
      for (const child of node.children) if (child instanceof Uint8Array) keep(child, node.layer - 1)
    }
    keep(this.data!.bytes, undefined)
    this.#nodes = kept
    this.#pruneAt = kept.size * 2 + spareNodes
    this.#root = this.#load(this.data!.bytes, undefined)
  }

  #nextRev(): string {
    this.#lastRevUs = Math.max(this.#now() * 1000, this.#lastRevUs + 1)
    return tidFromTimeUs(this.#lastRevUs, 7)
  }
}

/** The body of a commit frame as values for `encodeFrame`, so that a test can bend one before encoding it. */
export function frameBody(body: CommitBody): Parameters<typeof encodeFrame>[1] {
  const { prevData, ...rest } = body
  return { ...rest, ...(prevData && { prevData }) }
}

function blockOf(bytes: Uint8Array): Block {
  return { cid: cidOf(bytes), bytes }
}
