import { headerBytesAt, type Frames, textFrames } from './frames.ts'

/**
 * A stretch of a log: entries in rising position, as the text frames that are sent of them. They are framed once, where
 * they are made, for all who will ever get them. Blocks are shared by all readers and never change.
 */
export interface LogBlock {
  readonly count: number
  /** Position of the first entry. */
  readonly first: number
  /** Position of the last entry. */
  readonly last: number
  /** The position of each entry. */
  readonly positions: Float64Array
  /** The entries as WebSocket text frames, one behind the other. */
  readonly frames: Buffer
  /** Where each frame ends. */
  readonly ends: Uint32Array
  /** @internal The entries in other encodings, by name, each made when first asked for, or on its way. */
  encoded?: Map<string, EncodedEntries> | undefined
}

/** Entries of a block in another encoding; a promise settles when one that is on its way has got here. */
export type EncodedEntries = (Buffer | Promise<void> | undefined)[]

/** A block from the text of its entries, which end at `ends`. `positions` has one number an entry, rising. */
export function createBlock(texts: Uint8Array, ends: Uint32Array, positions: Float64Array): LogBlock {
  return blockOfFrames(textFrames(texts, ends), positions)
}

/** A block from text frames, say those that a thread made. */
export function blockOfFrames({ bytes, ends }: Frames, positions: Float64Array): LogBlock {
  const count = ends.length
  return { count, first: positions[0]!, last: positions[count - 1]!, positions, frames: bytes, ends }
}

/** The index of the first entry at or behind a position; `count` where there is none. */
export function indexAt(block: LogBlock, position: number): number {
  if (position <= block.first) return 0
  let low = 0
  let high = block.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (block.positions[middle]! < position) low = middle + 1
    else high = middle
  }
  return low
}

/** Where the frame of an entry begins. */
export function frameStart(block: LogBlock, index: number): number {
  return index === 0 ? 0 : block.ends[index - 1]!
}

/** Where the text of an entry begins in `frames`; it ends where its frame does. */
export function textStart(block: LogBlock, index: number): number {
  const start = frameStart(block, index)
  return start + headerBytesAt(block.frames, start)
}

/** The text of one entry, a view. */
export function entryAt(block: LogBlock, index: number): Buffer {
  return block.frames.subarray(textStart(block, index), block.ends[index])
}

/** Consecutive blocks as one. What is encoded of them stays. */
export function joinBlocks(blocks: readonly LogBlock[]): LogBlock {
  const count = blocks.reduce((sum, block) => sum + block.count, 0)
  const positions = new Float64Array(count)
  const ends = new Uint32Array(count)
  let at = 0
  let offset = 0
  for (const block of blocks) {
    positions.set(block.positions, at)
    for (let i = 0; i < block.count; i++) ends[at + i] = offset + block.ends[i]!
    at += block.count
    offset += block.frames.length
  }
  const joined = blockOfFrames({ bytes: Buffer.concat(blocks.map(block => block.frames)), ends }, positions)
  for (const name of new Set(blocks.flatMap(block => [...(block.encoded?.keys() ?? [])]))) {
    joined.encoded ??= new Map()
    joined.encoded.set(
      name,
      blocks.flatMap(block => settledEntries(block, name)),
    )
  }
  return joined
}

/** What is on its way gets to the block that it was asked of; the joined one asks for it again. */
function settledEntries(block: LogBlock, encoding: string): (Buffer | undefined)[] {
  const entries = block.encoded?.get(encoding)
  return Array.from({ length: block.count }, (_, i) => {
    const entry = entries?.[i]
    return Buffer.isBuffer(entry) ? entry : undefined
  })
}
