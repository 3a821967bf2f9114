import type { LogBlock } from './block.ts'
import { binaryFrames, selectedTextFrames, textFrames } from './frames.ts'
import type { Encoding, Filter } from './subscriber.ts'

/**
 * The work on a block that subscribers with the same filter, encoding and place share: choosing and framing. Kept for one
 * tick; what is worth more than that (all entries as text, each entry encoded) stays with the block.
 */
export class SharedFrames {
  #selections = new Map<string, readonly number[] | undefined>()
  #frames = new Map<string, Promise<Buffer> | Buffer>()

  forget(): void {
    this.#selections.clear()
    this.#frames.clear()
  }

  /** The filter's choice; undefined for all entries. */
  select(block: LogBlock, filter: Filter): readonly number[] | undefined {
    if (filter.key === '') return undefined
    const key = `${block.first} ${filter.key}`
    const known = this.#selections.get(key)
    if (known || this.#selections.has(key)) return known
    const selected = filter.select(block)
    this.#selections.set(key, selected)
    return selected
  }

  /** The chosen entries (undefined: all) from index `from` on, as text frames. */
  text(block: LogBlock, filter: Filter, from: number, indices: readonly number[] | undefined): Buffer {
    if (!indices) {
      const { bytes, ends } = textFrames(block)
      return from === 0 ? bytes : bytes.subarray(ends[from - 1])
    }
    const key = `${block.first} ${from} ${filter.key}`
    const known = this.#frames.get(key)
    if (Buffer.isBuffer(known)) return known
    const frames = selectedTextFrames(block, indices)
    this.#frames.set(key, frames)
    return frames
  }

  /** As `text`, in another encoding; a promise where entries are to be encoded first. */
  encoded(
    block: LogBlock,
    filter: Filter,
    encoding: Encoding,
    from: number,
    indices: readonly number[] | undefined,
  ): Promise<Buffer> | Buffer {
    const key = `${encoding.name} ${block.first} ${from} ${filter.key}`
    const known = this.#frames.get(key)
    if (known) return known
    const frames = this.#encode(block, encoding, from, indices)
    this.#frames.set(key, frames)
    return frames
  }

  #encode(
    block: LogBlock,
    encoding: Encoding,
    from: number,
    indices: readonly number[] | undefined,
  ): Promise<Buffer> | Buffer {
    const wanted = indices ?? Array.from({ length: block.count - from }, (_, i) => from + i)
    block.encoded ??= new Map()
    const entries =
      block.encoded.get(encoding.name) ?? Array.from<Buffer | undefined>({ length: block.count })
    block.encoded.set(encoding.name, entries)
    const missing = wanted.filter(i => entries[i] === undefined)
    const collect = (): Buffer => binaryFrames(wanted.map(i => entries[i]!))
    if (missing.length === 0) return collect()
    return encoding.encode(block, missing).then(encoded => {
      for (const [at, i] of missing.entries()) entries[i] = encoded[at]!
      return collect()
    })
  }
}
