import { Cid, cidBytes, isCidAt, isDigestAt } from '../cid.ts'
import { RepoError } from '../errors.ts'
import { readVarint } from '../varint.ts'
import { maxHeaderBytes, readCarHeader } from './header.ts'
import type { Block } from './write.ts'

/** Bounds of a streamed CAR. */
export interface CarStreamOptions {
  /** The largest block that is taken, in bytes. Default 2 MiB: a record of 1 MB, or an MST node that is no attack. */
  maxBlockBytes?: number
  /** The most bytes that the whole CAR may have. Default no limit: the caller's source has one, or a clock. */
  maxBytes?: number
}

/** A CAR that is being read: its roots are known, its blocks come as they arrive. */
export interface CarStream extends AsyncIterable<Block> {
  readonly roots: readonly Cid[]
}

/**
 * Reads a CARv1 from chunks of any size, holding no more than one block and one chunk. Every block is hashed against its
 * CID before it is given out, in the order of the stream; doubles and unreferenced blocks come through. A block's bytes
 * are a copy of their own.
 *
 * @throws RepoError `car_bad_header`, `car_bad_block`, `car_truncated`, `cid_invalid`, `hash_mismatch`; from the call for
 *   the header, from the iteration for the rest
 */
export async function readCarStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: CarStreamOptions = {},
): Promise<CarStream> {
  const input = new ChunkReader(source, options.maxBytes ?? Number.POSITIVE_INFINITY)
  const maxBlockBytes = options.maxBlockBytes ?? 2 * 1024 * 1024
  const roots = await readRoots(input)

  return {
    roots,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const length = await input.varint()
          if (length === undefined) return
          if (length < cidBytes || length > maxBlockBytes + cidBytes) {
            throw new RepoError('car_bad_block', `length=${length}`)
          }
          const bytes = await input.take(length)
          if (!isCidAt(bytes, 0)) throw new RepoError('cid_invalid', 'of a block')
          const cid = new Cid(bytes.subarray(0, cidBytes))
          const data = bytes.subarray(cidBytes)
          if (!isDigestAt(data, bytes, 4)) throw new RepoError('hash_mismatch', `cid=${cid}`)
          yield { cid, bytes: data }
        }
      } catch (error) {
        await input.abandon()
        throw error
      } finally {
        await input.close()
      }
    },
  }
}

async function readRoots(input: ChunkReader): Promise<Cid[]> {
  try {
    const length = await input.varint()
    if (length === undefined || length < 0 || length > maxHeaderBytes) throw new RepoError('car_bad_header')
    const header = await input.take(length)
    return readCarHeader(header, 0, header.length)
  } catch (error) {
    await input.abandon()
    throw error
  }
}

/** What `take` allocates before any of it has arrived: most blocks fit, and a claim of megabytes costs little. */
const firstBytes = 64 * 1024

/** Takes exact counts of bytes out of chunks of any size. */
class ChunkReader {
  #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  #left: number
  #closed = false

  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxBytes: number) {
    this.#chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    this.#left = maxBytes
  }

  /** Reads a length; undefined at a clean end. */
  async varint(): Promise<number | undefined> {
    const scratch = new Uint8Array(5)
    for (let i = 0; ; i++) {
      if (this.#at >= this.#chunk.length && !(await this.#fill())) {
        if (i === 0) return undefined
        throw new RepoError('car_truncated')
      }
      scratch[i] = this.#chunk[this.#at++]!
      if (scratch[i]! < 0x80 || i === 4) return readVarint(scratch, 0, i + 1)?.value ?? -1
    }
  }

  /**
   * Copies out exactly `count` bytes. Memory grows with what arrives, not with what a length claims, and not with the
   * number of chunks either: a source may send single bytes.
   */
  async take(count: number): Promise<Uint8Array> {
    let out = new Uint8Array(Math.min(count, Math.max(firstBytes, this.#chunk.length - this.#at)))
    for (let filled = 0; filled < count;) {
      if (this.#at >= this.#chunk.length && !(await this.#fill())) throw new RepoError('car_truncated')
      const part = this.#chunk.subarray(this.#at, this.#at + count - filled)
      if (filled + part.length > out.length) {
        const grown = new Uint8Array(Math.min(count, Math.max(filled + part.length, out.length * 2)))
        grown.set(out.subarray(0, filled))
        out = grown
      }
      out.set(part, filled)
      filled += part.length
      this.#at += part.length
    }
    return out
  }

  /** Lets the source go, so that a half-read download is cancelled. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#chunks.return?.()
  }

  /** Lets the source go after an error, which is what the caller is to hear of, whatever else goes wrong. */
  async abandon(): Promise<void> {
    await this.close().catch(() => undefined)
  }

  /** Makes sure that a byte is at hand; false at the end of the source. */
  async #fill(): Promise<boolean> {
    while (this.#at >= this.#chunk.length) {
      const next = await this.#chunks.next()
      if (next.done === true) return false
      this.#left -= next.value.length
      if (this.#left < 0) throw new RepoError('car_bad_block', 'the CAR exceeds its limit')
      this.#chunk = next.value
      this.#at = 0
    }
    return true
  }
}
