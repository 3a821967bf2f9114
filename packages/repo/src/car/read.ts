import { equalBytes } from '../bytes.ts'
import { uint32At } from '../cbor/reader.ts'
import { Cid, cidBytes, cidTextAt, isCidAt, sha256 } from '../cid.ts'
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
  /** Three slots a block: where its CID is, where its data starts, where it ends. */
  #blocks: Int32Array
  #count = 0
  /** Open addressing over the first four bytes of the digest, which are as good as random. Slots hold block + 1. */
  #table = new Int32Array(0)

  /** Use `readCar`. */
  constructor(bytes: Uint8Array, roots: readonly Cid[]) {
    this.bytes = bytes
    this.roots = roots
    this.#blocks = new Int32Array(3 * 16)
  }

  /** How many blocks the CAR has, doubles included. */
  get size(): number {
    return this.#count
  }

  /** @internal */
  add(cidAt: number, start: number, end: number): void {
    const at = this.#count * 3
    if (at === this.#blocks.length) {
      const grown = new Int32Array(at * 2)
      grown.set(this.#blocks)
      this.#blocks = grown
    }
    this.#blocks[at] = cidAt
    this.#blocks[at + 1] = start
    this.#blocks[at + 2] = end
    this.#count++
  }

  /**
   * Builds the look-up table once all blocks are known. Of doubles the first is the one to be found.
   *
   * @internal
   */
  index(): void {
    let size = 32
    while (size < this.#count * 2) size *= 2
    this.#table = new Int32Array(size)
    for (let block = 0; block < this.#count; block++) {
      let slot = uint32At(this.bytes, this.#blocks[block * 3]! + 4) & (size - 1)
      const cidAt = this.#blocks[block * 3]!
      for (let probes = 0; this.#table[slot] !== 0; probes++) {
        const other = this.#table[slot]! - 1
        if (sameCid(this.bytes, this.#blocks[other * 3]!, this.bytes, cidAt)) break
        if (probes === maxProbes) throw new RepoError('car_bad_block', 'digests that collide')
        slot = (slot + 1) & (size - 1)
      }
      if (this.#table[slot] === 0) this.#table[slot] = block + 1
    }
  }

  /** The number of the block whose CID is the 36 bytes at `cid[from]`, or -1. */
  find(cid: Uint8Array, from: number): number {
    const mask = this.#table.length - 1
    for (let slot = uint32At(cid, from + 4) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const block = this.#table[slot]! - 1
      if (sameCid(this.bytes, this.#blocks[block * 3]!, cid, from)) return block
    }
    return -1
  }

  /** Where the data of block `block` starts in `bytes`. */
  start(block: number): number {
    return this.#blocks[block * 3 + 1]!
  }

  /** Where the data of block `block` ends in `bytes`. */
  end(block: number): number {
    return this.#blocks[block * 3 + 2]!
  }

  /** The CID of block `block`, a view. */
  cid(block: number): Cid {
    const at = this.#blocks[block * 3]!
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
    for (let block = 0; block < this.#count; block++) {
      const at = this.#blocks[block * 3]!
      const digest = sha256(this.bytes.subarray(this.start(block), this.end(block)))
      if (!equalBytes(digest, this.bytes.subarray(at + 4, at + cidBytes))) {
        throw new RepoError('hash_mismatch', `cid=${cidTextAt(this.bytes, at)}`)
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
  const map = new BlockMap(bytes, readCarHeader(bytes, header.next, firstBlock))

  for (let at = firstBlock; at < bytes.length;) {
    const length = readVarint(bytes, at, bytes.length)
    if (!length) throw new RepoError('car_truncated')
    const start = length.next + cidBytes
    const end = length.next + length.value
    if (length.value < cidBytes) throw new RepoError('car_bad_block', `length=${length.value}`)
    if (end > bytes.length) throw new RepoError('car_truncated')
    if (!isCidAt(bytes, length.next)) throw new RepoError('cid_invalid', 'of a block')
    if (map.size === maxBlocks) throw new RepoError('car_bad_block', `more than ${maxBlocks} blocks`)
    map.add(length.next, start, end)
    at = end
  }
  map.index()
  if (options.verify ?? true) map.verify()
  return map
}

function sameCid(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  // From the back: the ends of two digests differ, their beginnings just led to the same slot.
  for (let i = cidBytes - 1; i >= 0; i--) if (a[aAt + i] !== b[bAt + i]) return false
  return true
}
