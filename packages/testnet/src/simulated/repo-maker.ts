import {
  addKey,
  type Block,
  buildTree,
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
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

/**
 * Makes a repository of real bytes: signed commits over a valid tree, with the blocks that prove each, as a PDS does,
 * some hundred times faster. What it makes is checked by nothing of its own: that is for the code under test.
 */
export class RepoMaker {
  readonly did: string
  key: SigningKey
  /** The rev of the newest commit; empty before the first. */
  rev = ''
  #now: () => number
  #lastRevUs = 0
  #root: MstNode = emptyTree()
  /** The tree's nodes by their CIDs, and for a while those of trees before. */
  #nodes = new Map<string, Uint8Array>()
  #commitsSincePruning = 0
  /** The root of the tree; null before the first commit. */
  data: Cid | null = null
  #load: LoadNode

  constructor({ did, key = generateSigningKey(), now = Date.now }: RepoMakerOptions) {
    this.did = did
    this.key = key
    this.#now = now
    this.#load = loadFrom({ get: cid => this.#nodes.get(keyOf(cid.bytes)) })
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
    this.#prune()
    const since = this.rev === '' ? null : this.rev
    const prevData = this.data
    this.rev = this.#nextRev()
    this.data = data
    const commit = signCommit({ did: this.did, rev: this.rev, data }, this.key)
    if (ops.length > 0) this.#addProof(data.bytes, ops, nodes)

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

  /** Puts records there that were made before anybody looked: only their keys and some CIDs, no bytes. */
  fill(count: number, salt: number): void {
    const entries = Array.from({ length: count }, (_, i) => ({
      key: `app.bsky.feed.like/${tidFromTimeUs(1_700_000_000_000_000 + i * 7_000_000, salt % 1024)}`,
      value: cidOf(Buffer.from(`${this.did} ${i}`)).bytes,
    }))
    if (count === 0) return
    this.#root = buildTree(entries)
    this.data = new Cid(nodeCid(this.#root, (cid, bytes) => this.#keep(cid, bytes)))
    this.rev = this.#nextRev()
  }

  /** Takes another key; the document says so from now on. */
  rotateKey(): void {
    this.key = generateSigningKey(this.key.curve)
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
      const key = keyOf(cid)
      nodes.set(key, { cid: new Cid(cid), bytes: this.#nodes.get(key)! })
      return this.#load(cid, layer)
    }
    invertOps(load(data, undefined), ops, load)
  }

  #keep(cid: CidBytes, bytes: Uint8Array, nodes?: Map<string, Block>): void {
    const key = keyOf(cid)
    this.#nodes.set(key, bytes)
    nodes?.set(key, { cid: new Cid(cid), bytes })
  }

  /** Forgets the nodes of trees before, now and then. */
  #prune(): void {
    if (++this.#commitsSincePruning < 200) return
    this.#commitsSincePruning = 0
    const kept = new Map<string, Uint8Array>()
    const keep = (node: MstNode): void => {
      const key = keyOf(node.cid!)
      kept.set(key, this.#nodes.get(key)!)
      for (const child of node.children) {
        if (child !== null) keep('layer' in child ? child : this.#load(child, node.layer - 1))
      }
    }
    keep(this.#root)
    this.#nodes = kept
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

/** The bytes of a CID as a string, a cheaper key than its text. */
function keyOf(cid: CidBytes): string {
  return Buffer.from(cid.buffer, cid.byteOffset, cid.length).toString('latin1')
}
