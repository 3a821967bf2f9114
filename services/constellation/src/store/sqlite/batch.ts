import type { Change, ChangeBatch, Changes } from '../../store.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { plcGroup } from './did.ts'
import { parseRkey, type Rkey, rkeyBytes } from './rkey.ts'
import { parseTarget } from './targets.ts'
import { parseTid64, type Tid64, tidOf } from './tid64.ts'

// Changes as they go to the writer's thread: bytes that it reads without making a text of each. Of the time that a link
// took, cloning the objects and collecting them again was a quarter, on either side.
//
//   change  = 0 put · did · collection · rkey · rev · bytes of the links in four · number of links · (source · target) …
//           | 1 delete · did · collection · rkey · rev
//           | 2 account active · did | 3 account inactive · did | 4 account deleted · did
//   did     = 1 · groups of a did:plc in sixteen bytes | 0 · text
//   rkey    = eight bytes of a TID | 0xff · text
//   rev     = 0 none | 1 · eight bytes | 2 · what is no TID
//   target  = 0 text | 1 did | 2 did · collection · TID in eight bytes | 3 did · text of the rest
//   text    = length · UTF-8

/** What a change is, as a number. */
export const ops = { put: 0, delete: 1, active: 2, inactive: 3, deleteAccount: 4 } as const
const didForms = { text: 0, plc: 1 } as const
const revForms = { none: 0, tid: 1, other: 2 } as const
/** What a target is, as a number. */
export const targetForms = { text: 0, did: 1, record: 2, under: 3 } as const
/** In front of a record key that is no TID; the first byte of a TID is below 0x20. */
const textMark = 0xff

/** Changes, packed; to be read once. Collections and sources are told by their places here. */
export interface Batch {
  bytes: Uint8Array<ArrayBuffer>
  collections: string[]
  sources: { collection: number; path: string }[]
}

/** Packs changes for `BatchReader`. */
export class BatchPacker implements ChangeBatch {
  readonly #writer = new ByteWriter()
  #collections: string[] = []
  #sources: Batch['sources'] = []
  readonly #places = new Map<string, { place: number; sources: Map<string, number> }>()

  add(change: Change): void {
    const writer = this.#writer
    switch (change.kind) {
      case 'put':
      case 'delete':
        this.#record(change)
        break
      case 'account':
        writer.byte(change.active ? ops.active : ops.inactive)
        this.#did(change.did)
        break
      case 'delete_account':
        writer.byte(ops.deleteAccount)
        this.#did(change.did)
    }
  }

  /** What was added; the packer is empty from then on. */
  take(): Batch {
    const writer = this.#writer
    // A copy without the room behind it, which would go across too.
    const bytes = new Uint8Array(writer.view(0, writer.length))
    const batch = { bytes, collections: this.#collections, sources: this.#sources }
    writer.reset()
    this.#collections = []
    this.#sources = []
    this.#places.clear()
    return batch
  }

  #record(change: Extract<Change, { kind: 'put' | 'delete' }>): void {
    const writer = this.#writer
    const { record, rev } = change
    const { place, sources } = this.#collection(record.collection)
    writer.byte(ops[change.kind])
    this.#did(record.did)
    writer.varint(place)
    const rkey = parseRkey(record.rkey)
    if ('text' in rkey) writer.byte(textMark).utf8(record.rkey)
    else writer.bytes(rkeyBytes(rkey))
    this.#rev(rev)
    if (change.kind === 'delete') return
    const { length } = writer.four(0)
    writer.varint(change.links.length)
    for (const { path, target } of change.links) {
      let source = sources.get(path)
      if (source === undefined) {
        source = this.#sources.push({ collection: place, path }) - 1
        sources.set(path, source)
      }
      writer.varint(source)
      this.#target(target)
    }
    writer.putFour(length - 4, writer.length - length)
  }

  #collection(name: string) {
    let known = this.#places.get(name)
    if (!known) {
      known = { place: this.#collections.push(name) - 1, sources: new Map<string, number>() }
      this.#places.set(name, known)
    }
    return known
  }

  #did(did: string): void {
    const [a, b, c, d] = [plcGroup(did, 0), plcGroup(did, 1), plcGroup(did, 2), plcGroup(did, 3)]
    if (a < 0 || b < 0 || c < 0 || d < 0) this.#writer.byte(didForms.text).utf8(did)
    else this.#writer.byte(didForms.plc).four(a).four(b).four(c).four(d)
  }

  #rev(rev: string): void {
    if (rev === '') {
      this.#writer.byte(revForms.none)
      return
    }
    const rkey = parseRkey(rev)
    if ('text' in rkey) this.#writer.byte(revForms.other).utf8(rev)
    else this.#writer.byte(revForms.tid).bytes(rkeyBytes(rkey))
  }

  #target(target: string): void {
    const parts = parseTarget(target)
    const writer = this.#writer.byte(targetForms[parts.kind])
    if (parts.kind === 'text') writer.utf8(parts.text)
    else this.#did(parts.did)
    if (parts.kind === 'under') writer.utf8(parts.rest)
    if (parts.kind === 'record')
      writer.varint(this.#collection(parts.collection).place).bytes(rkeyBytes(parts.tid))
  }
}

/** Changes as they go to the writer's thread; a batch is empty from then on. */
export function packed(changes: Changes): Batch {
  if (changes instanceof BatchPacker) return changes.take()
  const packer = new BatchPacker()
  for (const change of changes as readonly Change[]) packer.add(change)
  return packer.take()
}

/** What gives DIDs their numbers, as texts or as groups of a did:plc. */
export interface DidNumbers {
  ofText(did: string): number
  ofPlc(a: number, b: number, c: number, d: number): number
}

/** Reads a batch, part by part in the order in which they were packed. */
export class BatchReader extends ByteReader {
  did(numbers: DidNumbers): number {
    if (this.byte() === didForms.text) return numbers.ofText(this.utf8())
    return numbers.ofPlc(this.four(), this.four(), this.four(), this.four())
  }

  rkey(): Rkey {
    if (this.bytes[this.at] === textMark) {
      this.skip(1)
      return { text: Buffer.from(this.take(this.varint())) }
    }
    const { high, low } = this.tid()
    return tidOf(high, low)
  }

  /** @throws RangeError where it is no TID. */
  rev(): Tid64 | undefined {
    const form = this.byte()
    if (form === revForms.none) return undefined
    return form === revForms.tid ? this.tid() : parseTid64(this.utf8())
  }

  tid(): Tid64 {
    return { high: this.four(), low: this.four() }
  }
}
