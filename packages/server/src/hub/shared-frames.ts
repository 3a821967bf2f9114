import type { LogBlock } from './block.ts'
import { binaryFrames, selectedTextFrames, textFrames } from './frames.ts'
import type { Encoding, Filter } from './subscriber.ts'

/** What was made of one block, by filter, encoding and place. */
interface Made {
  selections: Map<string, readonly number[] | undefined>
  frames: Map<string, Promise<Buffer> | Buffer>
}

/**
 * The work on a block that subscribers with the same filter, encoding and place share: choosing and framing. Kept for one
 * tick; what is worth more than that (all entries as text, each entry encoded) stays with the block.
 */
export class SharedFrames {
  /** By the block itself: what is in memory and what was read from disk may begin alike and end apart. */
  #made = new Map<LogBlock, Made>()

  forget(): void {
    this.#made.clear()
  }

  /** The filter's choice; undefined for all entries. */
  select(block: LogBlock, filter: Filter): readonly number[] | undefined {
    if (filter.key === '') return undefined
    const { selections } = this.#of(block)
    const known = selections.get(filter.key)
    if (known || selections.has(filter.key)) return known
    const selected = filter.select(block)
    selections.set(filter.key, selected)
    return selected
  }

  /** The chosen entries (undefined: all) from index `from` on, as text frames. */
  text(block: LogBlock, filter: Filter, from: number, indices: readonly number[] | undefined): Buffer {
    if (!indices) {
      const { bytes, ends } = textFrames(block)
      return from === 0 ? bytes : bytes.subarray(ends[from - 1])
    }
    const { frames } = this.#of(block)
    const key = `text ${from} ${filter.key}`
    const known = frames.get(key)
    if (Buffer.isBuffer(known)) return known
    const made = selectedTextFrames(block, indices)
    frames.set(key, made)
    return made
  }

  /** As `text`, in another encoding; a promise where entries are to be encoded first. */
  encoded(
    block: LogBlock,
    filter: Filter,
    encoding: Encoding,
    from: number,
    indices: readonly number[] | undefined,
  ): Promise<Buffer> | Buffer {
    const { frames } = this.#of(block)
    const key = `encoded ${encoding.name} ${from} ${filter.key}`
    const known = frames.get(key)
    if (known) return known
    const wanted = indices ?? Array.from({ length: block.count - from }, (_, i) => from + i)
    const made = encodedFrames(block, encoding, wanted)
    frames.set(key, made)
    return made
  }

  #of(block: LogBlock): Made {
    let made = this.#made.get(block)
    if (!made) {
      made = { selections: new Map(), frames: new Map() }
      this.#made.set(block, made)
    }
    return made
  }
}

/** Wanted entries as binary frames. Each is encoded once, also where filters that overlap ask at the same time. */
function encodedFrames(
  block: LogBlock,
  encoding: Encoding,
  wanted: readonly number[],
): Promise<Buffer> | Buffer {
  block.encoded ??= new Map()
  let entries = block.encoded.get(encoding.name)
  if (!entries) {
    entries = Array.from<undefined>({ length: block.count })
    block.encoded.set(encoding.name, entries)
  }
  const collect = (): Buffer => binaryFrames(wanted.map(i => entries[i] as Buffer))
  const missing = wanted.filter(i => entries[i] === undefined)
  if (missing.length > 0) {
    const encodingThem = encode(block, encoding, missing, entries)
    for (const i of missing) entries[i] = encodingThem
  }
  const underway = new Set(wanted.map(i => entries[i]).filter(entry => entry instanceof Promise))
  return underway.size === 0 ? collect() : Promise.all(underway).then(collect)
}

async function encode(
  block: LogBlock,
  encoding: Encoding,
  missing: readonly number[],
  entries: (Buffer | Promise<void> | undefined)[],
): Promise<void> {
  try {
    const encoded = await encoding.encode(block, missing)
    for (const [at, i] of missing.entries()) entries[i] = encoded[at]!
  } catch (error) {
    for (const i of missing) entries[i] = undefined
    throw error
  }
}
