import { uint32At } from '../cbor/reader.ts'
import { Cid, cidBytes, cidTextAt, isCidAt, isDigestAt } from '../cid.ts'
import { RepoError } from '../errors.ts'
import { readVarint } from '../varint.ts'
import { maxHeaderBytes, readCarHeader } from './header.ts'

/**
 * How far a look-up may go. Honest digests are as good as random, so even a full table keeps them within a few dozen;
 * before blocks are hashed a CAR may claim digests that all collide.
 */
const maxProbes = 1000

/** How many blocks a CAR held in memory may have: 2 MB of the smallest nodes are about as many. */
const maxBlocks = 50_000

/**
 * A whole CAR in memory, its blocks found by CID. Everything is a view into the bytes it was read from. Blocks may come
 * in any order, be there twice, or be referenced by nothing.
 */
export class BlockMap {
  readonly bytes: Uint8Array
  readonly roots: readonly Cid[]
  // Plain arrays: commits have some ten blocks, and typed arrays beyond 64 bytes cost 0.4 µs each to make.
  /** Where each block's CID is; its data follows. */
  readonly #cids: number[]
  readonly #ends: number[]
  /**
   * Open addressing over the first four bytes of the digest, which are as good as random. Slots hold block + 1. A few
   * blocks are gone through sooner than put in a table.
   */
  readonly #table: Int32Array | undefined

  /** Use `readCar`. */
  constructor(bytes: Uint8Array, roots: readonly Cid[], cids: number[], ends: number[]) {
    this.bytes = bytes
    this.roots = roots
    this.#cids = cids
    this.#ends = ends
    if (cids.length > 24) this.#table = tableOf(bytes, cids)
  }

  /** How many blocks the CAR has, doubles included. */
  get size(): number {
    return this.#cids.length
  }

  /** The number of the block whose CID is the 36 bytes at `cid[from]`, or -1; of doubles, the first. */
  find(cid: Uint8Array, from: number): number {
    const table = this.#table
    if (!table) return this.#cids.findIndex(at => sameCid(this.bytes, at, cid, from))
    const mask = table.length - 1
    for (let slot = uint32At(cid, from + 4) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const block = table[slot]! - 1
      if (sameCid(this.bytes, this.#cids[block]!, cid, from)) return block
    }
    return -1
  }

  /** Where the data of block `block` starts in `bytes`. */
  start(block: number): number {
    return this.#cids[block]! + cidBytes
  }

  /** Where the data of block `block` ends in `bytes`. */
  end(block: number): number {
    return this.#ends[block]!
  }

  /** The CID of block `block`, a view. */
  cid(block: number): Cid {
    const at = this.#cids[block]!
    return new Cid(this.bytes.subarray(at, at + cidBytes))
  }

  /** The data of a block, a view, or undefined where the CAR lacks it. */
  get(cid: Cid): Uint8Array | undefined {
    const block = this.find(cid.bytes, 0)
    return block < 0 ? undefined : this.bytes.subarray(this.start(block), this.end(block))
  }

  /**
   * Hashes every block.
   *
   * @throws RepoError `hash_mismatch` naming the first block that is not what its CID says
   */
  verify(): void {
    const { bytes } = this
    // Views as CborReader makes them.
    const { buffer, byteOffset } = bytes
    for (let block = 0; block < this.size; block++) {
      const at = this.#cids[block]!
      const start = at + cidBytes
      const data = new Uint8Array(buffer, byteOffset + start, this.#ends[block]! - start)
      if (!isDigestAt(data, bytes, at + 4)) {
        throw new RepoError('hash_mismatch', `cid=${cidTextAt(bytes, at)}`)
      }
    }
  }
}

/** How to read a CAR. */
export interface ReadCarOptions {
  /** Whether to hash every block and compare with its CID. Default true. */
  verify?: boolean
}

/**
 * Reads a CARv1 that is in memory as a whole. Nothing is copied; the bytes must not change while the map is in use.
 *
 * @throws RepoError `car_bad_header`, `car_bad_block`, `car_truncated`, `cid_invalid`, `hash_mismatch`
 * @see https://atproto.com/specs/repository#car-file-serialization
 */
export function readCar(bytes: Uint8Array, options: ReadCarOptions = {}): BlockMap {
  const header = readVarint(bytes, 0, bytes.length)
  if (!header || header.value < 0 || header.value > maxHeaderBytes) throw new RepoError('car_bad_header')
  const firstBlock = header.next + header.value
  if (firstBlock > bytes.length) throw new RepoError('car_truncated')
  const roots = readCarHeader(bytes, header.next, firstBlock)
  const cids: number[] = []
  const ends: number[] = []

  for (let at = firstBlock; at < bytes.length;) {
    const length = readVarint(bytes, at, bytes.length)
    if (!length) throw new RepoError('car_truncated')
    const end = length.next + length.value
    if (length.value < cidBytes) throw new RepoError('car_bad_block', `length=${length.value}`)
    if (end > bytes.length) throw new RepoError('car_truncated')
    if (!isCidAt(bytes, length.next)) throw new RepoError('cid_invalid', 'of a block')
    if (cids.length === maxBlocks) throw new RepoError('car_bad_block', `more than ${maxBlocks} blocks`)
    cids.push(length.next)
    ends.push(end)
    at = end
  }
  const map = new BlockMap(bytes, roots, cids, ends)
  if (options.verify ?? true) map.verify()
  return map
}

function tableOf(bytes: Uint8Array, cids: readonly number[]): Int32Array {
  let size = 64
  while (size < cids.length * 2) size *= 2
  const table = new Int32Array(size)
  for (const [block, at] of cids.entries()) {
    let slot = uint32At(bytes, at + 4) & (size - 1)
    for (let probes = 0; table[slot] !== 0; probes++) {
      if (sameCid(bytes, cids[table[slot]! - 1]!, bytes, at)) break
      if (probes === maxProbes) throw new RepoError('car_bad_block', 'digests that collide')
      slot = (slot + 1) & (size - 1)
    }
    if (table[slot] === 0) table[slot] = block + 1
  }
  return table
}

function sameCid(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  // From the back: the ends of two digests differ, their beginnings just led to the same slot.
  for (let i = cidBytes - 1; i >= 0; i--) if (a[aAt + i] !== b[bAt + i]) return false
  return true
}
