import type { Hasher } from '@orrery/hll'
import type { Change, ChangeBatch } from '../../store.ts'

// Changes as they go to the store's thread: columns of numbers, and all texts in one buffer. As objects they were cloned
// for the thread and collected again on both sides, which was half of the time that an event took.

/** What a change is, as a number. */
export const kinds = { create: 0, update: 1, delete: 2, removeAccount: 3 } as const

/** The texts of a change, in the order in which they lie; what a change has none of is empty. */
const textsEach = 5
const firstChanges = 1_024
const firstBytes = 256 * 1024
const maxBytesKept = 16 * 1024 * 1024

/** Changes in columns, one place each; each column but `texts` may be longer than there are changes. */
export interface Columns {
  length: number
  /** The collections, each once. */
  nsids: string[]
  kinds: Uint8Array
  /** The place of the collection in `nsids`; without meaning where an account is removed. */
  collections: Uint32Array
  /** Of the accounts, as sketches count them. */
  elements: Float64Array
  times: Float64Array
  /** Where each text ends: DID and a slash, record key, rev, CID, JSON. Each begins where the one before ends. */
  ends: Uint32Array
  texts: Uint8Array
}

/** Gathers changes in columns. */
export class BatchPacker implements ChangeBatch {
  readonly #elementOf: Hasher
  readonly #places = new Map<string, number>()
  #nsids: string[] = []
  #length = 0
  #size = 0
  #kinds = new Uint8Array(firstChanges)
  #collections = new Uint32Array(firstChanges)
  #elements = new Float64Array(firstChanges)
  #times = new Float64Array(firstChanges)
  #ends = new Uint32Array(firstChanges * textsEach)
  #texts = Buffer.allocUnsafeSlow(firstBytes)

  /** `elementOf` tells how the store counts accounts. */
  constructor(elementOf: Hasher) {
    this.#elementOf = elementOf
  }

  add(change: Change): void {
    const i = this.#length++
    if (i === this.#kinds.length) this.#grow()
    this.#elements[i] = this.#elementOf(change.did)
    if (change.kind === 'remove_account') {
      this.#kinds[i] = kinds.removeAccount
      this.#addTexts(i, change.did, '', '', '', null)
      return
    }
    const { kind, did, collection, rkey, timeUs } = change
    this.#kinds[i] = kinds[kind]
    this.#collections[i] = this.#placeOf(collection)
    this.#times[i] = timeUs
    if (change.kind === 'delete') this.#addTexts(i, did, rkey, '', '', null)
    else this.#addTexts(i, did, rkey, change.rev, change.cid, change.json)
  }

  /** A copy of what was added, without the room behind it; its buffers may be moved to another thread. */
  copy(): Columns {
    const length = this.#length
    return {
      length,
      nsids: this.#nsids,
      kinds: this.#kinds.slice(0, length),
      collections: this.#collections.slice(0, length),
      elements: this.#elements.slice(0, length),
      times: this.#times.slice(0, length),
      ends: this.#ends.slice(0, length * textsEach),
      texts: new Uint8Array(this.#texts.subarray(0, this.#size)),
    }
  }

  /** It may be used again then, and has room for as many, unless they were very large. */
  clear(): void {
    if (this.#texts.length > maxBytesKept) this.#texts = Buffer.allocUnsafeSlow(firstBytes)
    this.#length = 0
    this.#size = 0
    this.#nsids = []
    this.#places.clear()
  }

  #placeOf(nsid: string): number {
    let place = this.#places.get(nsid)
    if (place === undefined) {
      place = this.#nsids.push(nsid) - 1
      this.#places.set(nsid, place)
    }
    return place
  }

  #addTexts(i: number, did: string, rkey: string, rev: string, cid: string, json: Uint8Array | null): void {
    const account = `${did}/`
    const together = account + rkey + rev + cid
    const most = this.#size + together.length * 3 + (json?.length ?? 0)
    if (most > this.#texts.length) {
      const larger = Buffer.allocUnsafeSlow(most * 2)
      larger.set(this.#texts.subarray(0, this.#size))
      this.#texts = larger
    }
    const written = this.#texts.write(together, this.#size)
    // They are ASCII but for what hosts make up.
    const lengthOf =
      written === together.length ? (text: string) => text.length : (text: string) => Buffer.byteLength(text)
    let end = this.#size
    let at = i * textsEach
    for (const text of [account, rkey, rev, cid]) this.#ends[at++] = end += lengthOf(text)
    if (json) {
      this.#texts.set(json, end)
      end += json.length
    }
    this.#ends[at] = end
    this.#size = end
  }

  #grow(): void {
    const length = this.#kinds.length * 2
    this.#kinds = new Uint8Array(this.#kinds.buffer.transfer(length))
    this.#collections = new Uint32Array(this.#collections.buffer.transfer(length * 4))
    this.#elements = new Float64Array(this.#elements.buffer.transfer(length * 8))
    this.#times = new Float64Array(this.#times.buffer.transfer(length * 8))
    this.#ends = new Uint32Array(this.#ends.buffer.transfer(length * textsEach * 4))
  }
}

/** The buffers of a copy, to be moved. */
export function buffersOf({ kinds: k, collections, elements, times, ends, texts }: Columns): ArrayBuffer[] {
  return [k, collections, elements, times, ends, texts].map(({ buffer }) => buffer as ArrayBuffer)
}

/** Reads what was packed, by the places of the changes. */
export class Batch {
  readonly columns: Columns
  readonly #texts: Buffer

  constructor(columns: Columns) {
    this.columns = columns
    const { buffer, byteOffset, length } = columns.texts
    this.#texts = Buffer.from(buffer, byteOffset, length)
  }

  did(i: number): string {
    const at = i * textsEach
    return this.#texts.toString('utf8', this.#start(at), this.columns.ends[at]! - 1)
  }

  rkey(i: number): string {
    return this.#text(i, 1)
  }

  rev(i: number): string {
    return this.#text(i, 2)
  }

  cid(i: number): string {
    return this.#text(i, 3)
  }

  /** A view, empty where there is none to keep. */
  json(i: number): Buffer {
    const last = i * textsEach + 4
    return this.#texts.subarray(this.columns.ends[last - 1], this.columns.ends[last])
  }

  hasJson(i: number): boolean {
    const last = i * textsEach + 4
    return this.columns.ends[last]! > this.columns.ends[last - 1]!
  }

  /** What tells a record of a collection from the others. */
  keyOf(i: number): string {
    const at = i * textsEach
    return this.#texts.toString('latin1', this.#start(at), this.columns.ends[at + 1])
  }

  /** Frees the memory of the texts; they are empty from then on. */
  letGo(): void {
    ;(this.columns.texts.buffer as ArrayBuffer).transfer(0)
  }

  #text(i: number, which: number): string {
    const at = i * textsEach + which
    return this.#texts.toString('utf8', this.#start(at), this.columns.ends[at])
  }

  #start(at: number): number {
    return at === 0 ? 0 : this.columns.ends[at - 1]!
  }
}
