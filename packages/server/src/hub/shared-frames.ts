import { type EncodedEntries, entryAt, frameStart, indexAt, type LogBlock } from './block.ts'
import { joinedFrames } from './frames.ts'
import type { HubLog } from './log.ts'
import type { Encoding, Filter } from './subscriber.ts'

/** What everybody gets next who stands at the same position and wants the same. */
export interface Batch {
  /** Undefined where the filter let nothing through. */
  frames: Buffer | undefined
  /** Entries in it. */
  count: number
  /** The position behind it. */
  next: number
}

/** A part of a block: entries from `from` on, or those of `indices`. */
interface Part {
  block: LogBlock
  from: number
  indices: readonly number[] | undefined
}

/**
 * The work that subscribers share: choosing, joining small blocks into one write, framing. Kept for one tick. A tick's
 * several commits go out as one buffer for each filter and encoding, made once: with 200 subscribers and five commits a
 * tick, writes of several buffers took a third more of the processor than writes of one.
 */
export class SharedFrames {
  readonly #batchBytes: number
  /** By position, then by filter and encoding. Whatever blocks a batch was made of, it is what comes next there. */
  #made = new Map<number, Map<string, Batch | Promise<Batch>>>()

  /** From `batchBytes` on a batch takes no further block. */
  constructor(batchBytes: number) {
    this.#batchBytes = batchBytes
  }

  forget(): void {
    this.#made.clear()
  }

  /**
   * What comes next in memory for a position that the log reaches; undefined where that is not in memory. A promise where
   * entries are to be encoded first.
   */
  fromMemory(
    log: HubLog,
    position: number,
    filter: Filter,
    encoding: Encoding | undefined,
  ): Batch | Promise<Batch> | undefined {
    const byWish = this.#at(position)
    const key = wishKey(filter, encoding)
    const known = byWish.get(key)
    if (known) return known
    const blocks: LogBlock[] = []
    let bytes = 0
    for (let next = position; next <= log.last && bytes < this.#batchBytes;) {
      const block = log.inMemory(next)
      if (!block) break
      blocks.push(block)
      bytes += block.frames.length
      next = block.last + 1
    }
    if (blocks.length === 0) return undefined
    const made = makeBatch(blocks, position, filter, encoding)
    byWish.set(key, made)
    return made
  }

  /** As `fromMemory`, of a block that was read for the position. */
  fromBlock(
    block: LogBlock,
    position: number,
    filter: Filter,
    encoding: Encoding | undefined,
  ): Batch | Promise<Batch> {
    const byWish = this.#at(position)
    const key = wishKey(filter, encoding)
    let made = byWish.get(key)
    if (!made) byWish.set(key, (made = makeBatch([block], position, filter, encoding)))
    return made
  }

  #at(position: number): Map<string, Batch | Promise<Batch>> {
    let byWish = this.#made.get(position)
    if (!byWish) this.#made.set(position, (byWish = new Map()))
    return byWish
  }
}

function wishKey(filter: Filter, encoding: Encoding | undefined): string {
  return encoding ? `${encoding.name} ${filter.key}` : filter.key
}

function makeBatch(
  blocks: readonly LogBlock[],
  position: number,
  filter: Filter,
  encoding: Encoding | undefined,
): Batch | Promise<Batch> {
  const parts = blocks.map((block, i): Part => {
    const from = i === 0 ? indexAt(block, position) : 0
    const indices = filter.key === '' ? undefined : filter.select(block)
    return { block, from, indices: from > 0 ? indices?.filter(index => index >= from) : indices }
  })
  const count = parts.reduce((sum, part) => sum + countOf(part), 0)
  const next = blocks.at(-1)!.last + 1
  if (count === 0) return { frames: undefined, count, next }
  if (!encoding) return { frames: joinFrames(parts), count, next }
  const frames = encodeParts(parts, encoding)
  return Buffer.isBuffer(frames)
    ? { frames, count, next }
    : frames.then(bytes => ({ frames: bytes, count, next }))
}

function countOf({ block, from, indices }: Part): number {
  return indices ? indices.length : block.count - from
}

/** The text frames of all parts; a view where that can be. */
function joinFrames(parts: readonly Part[]): Buffer {
  const views: Buffer[] = []
  for (const { block, from, indices } of parts) {
    const { frames, ends } = block
    if (!indices) views.push(from === 0 ? frames : frames.subarray(frameStart(block, from)))
    else {
      // Neighbours are one stretch.
      for (let i = 0; i < indices.length;) {
        const first = indices[i]!
        let last = first
        while (indices[++i] === last + 1) last++
        views.push(frames.subarray(frameStart(block, first), ends[last]))
      }
    }
  }
  return views.length === 1 ? views[0]! : Buffer.concat(views)
}

/** The entries of all parts in an encoding, as frames. Each is encoded once, also where filters that overlap ask at the same time. */
function encodeParts(parts: readonly Part[], encoding: Encoding): Promise<Buffer> | Buffer {
  const wanted = parts.flatMap(({ block, from, indices }) => {
    const entries = encodedEntries(block, encoding)
    const all = indices ?? Array.from({ length: block.count - from }, (_, i) => from + i)
    return all.map(index => ({ block, entries, index }))
  })
  const missing = wanted.filter(({ entries, index }) => entries[index] === undefined)
  if (missing.length > 0) {
    const encodingThem = encode(missing, encoding)
    for (const { entries, index } of missing) entries[index] = encodingThem
  }
  const collect = (): Buffer =>
    joinedFrames(
      wanted.map(({ entries, index }) => entries[index] as Buffer),
      encoding.isText,
    )
  const underway = new Set(
    wanted.map(({ entries, index }) => entries[index]).filter(entry => entry instanceof Promise),
  )
  return underway.size === 0 ? collect() : Promise.all(underway).then(collect)
}

function encodedEntries(block: LogBlock, { name }: Encoding): EncodedEntries {
  block.encoded ??= new Map()
  let entries = block.encoded.get(name)
  if (!entries) block.encoded.set(name, (entries = Array.from<undefined>({ length: block.count })))
  return entries
}

async function encode(
  missing: readonly { block: LogBlock; entries: EncodedEntries; index: number }[],
  encoding: Encoding,
): Promise<void> {
  try {
    const encoded = await encoding.encode(
      missing.map(({ block, index }) => entryAt(block, index)),
      missing.map(({ block, index }) => block.positions[index]!),
    )
    for (const [i, { entries, index }] of missing.entries()) entries[index] = encoded[i]!
  } catch (error) {
    for (const { entries, index } of missing) entries[index] = undefined
    throw error
  }
}
