import { type Batch, type BatchReader, type DidNumbers, targetForms } from './batch.ts'
import { packPlc } from './did.ts'
import type { Gathered, LinkRange } from './gathered.ts'
import { hours, type Place, placeOf } from './places.ts'
import { PlcNumbers } from './plc-numbers.ts'
import { bare, type Dictionary, sourceName } from './targets.ts'
import { tidOf } from './tid64.ts'

/** Accounts whose numbers are remembered: 20 MiB. */
const rememberedDids = 2 ** 20

/** The numbers of what batches name, which gets one where it has none. */
export class BatchNumbers implements DidNumbers {
  readonly #names: Dictionary
  readonly #plcs = new PlcNumbers(rememberedDids)
  #batch: Omit<Batch, 'bytes'> = { collections: [], sources: [] }
  /** By their places in the batch, as they are met. */
  #collections: number[] = []
  #sources: number[] = []

  constructor(names: Dictionary) {
    this.#names = names
  }

  begin(batch: Batch): void {
    this.#batch = batch
    this.#collections = []
    this.#sources = []
  }

  ofText(did: string): number {
    return this.#names.dids.number(did)
  }

  ofPlc(a: number, b: number, c: number, d: number): number {
    let id = this.#plcs.get(a, b, c, d)
    if (id === undefined) {
      id = this.#names.dids.numberOf(packPlc(a, b, c, d))
      this.#plcs.set(a, b, c, d, id)
    }
    return id
  }

  collection(place: number): number {
    return (this.#collections[place] ??= this.#names.collections.number(this.#batch.collections[place]!))
  }

  /** Reads links, which are gathered. */
  gatherLinks(reader: BatchReader, count: number, gathered: Gathered): LinkRange {
    const from = gathered.links
    for (let i = 0; i < count; i++) {
      const source = this.#source(reader.varint())
      gathered.addLink(source, this.#target(reader))
    }
    return { from, count }
  }

  /** Forgets what it remembers: numbers given in a transaction that did not happen. */
  forget(): void {
    this.#plcs.clear()
    for (const names of Object.values(this.#names)) names.forget()
  }

  #source(place: number): number {
    const { collection, path } = this.#batch.sources[place]!
    return (this.#sources[place] ??= this.#names.sources.number(
      sourceName(this.collection(collection), path),
    ))
  }

  #target(reader: BatchReader): Place {
    const form = reader.byte()
    if (form === targetForms.text) return bare(hours.plain, this.#names.texts.number(reader.utf8()))
    const did = reader.did(this)
    if (form === targetForms.did) return bare(hours.did, did)
    // The batch's bytes are used again.
    if (form === targetForms.under)
      return placeOf(did, 0, { text: Buffer.from(reader.take(reader.varint())) })
    const collection = this.collection(reader.varint())
    const { high, low } = reader.tid()
    return placeOf(did, collection, tidOf(high, low))
  }
}
