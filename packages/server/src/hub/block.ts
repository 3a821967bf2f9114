/**
 * A stretch of a log: entries in rising position, their bytes one behind the other. Blocks are shared by all readers and
 * never change.
 */
export interface LogBlock {
  readonly count: number
  /** Position of the first entry. */
  readonly first: number
  /** Position of the last entry. */
  readonly last: number
  readonly bytes: Buffer
  /** Where each entry ends in `bytes`. */
  readonly ends: Uint32Array
  /** The position of an entry by its index. */
  positionAt(index: number): number
  /** @internal The entries as WebSocket text frames, made when first asked for. */
  textFrames?: FramedBlock
  /** @internal The entries in another encoding, by its name, each made when first asked for, or on its way. */
  encoded?: Map<string, (Buffer | Promise<void> | undefined)[]>
}

/** All entries of a block as WebSocket frames, one behind the other. */
export interface FramedBlock {
  bytes: Buffer
  ends: Uint32Array
}

/** A block from its parts. `positions` has one number an entry, rising. */
export function createBlock(bytes: Buffer, ends: Uint32Array, positions: Float64Array): LogBlock {
  const count = ends.length
  return {
    count,
    first: positions[0]!,
    last: positions[count - 1]!,
    bytes,
    ends,
    positionAt: index => positions[index]!,
  }
}

/** The index of the first entry at or behind a position; `count` where there is none. */
export function indexAt(block: LogBlock, position: number): number {
  if (position <= block.first) return 0
  let low = 0
  let high = block.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (block.positionAt(middle) < position) low = middle + 1
    else high = middle
  }
  return low
}

/** The bytes of one entry, a view. */
export function entryAt(block: LogBlock, index: number): Buffer {
  return block.bytes.subarray(index === 0 ? 0 : block.ends[index - 1]!, block.ends[index])
}
