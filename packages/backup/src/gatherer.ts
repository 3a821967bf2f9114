import { hash } from 'node:crypto'
import { pagesPerChunk, sha256Of } from './chunk.ts'
import type { Ledger } from './ledger.ts'

/** Takes the pages of a file, one by one or many, and makes chunks of those that the destination has not. */
export class Gatherer {
  readonly #ledger: Ledger
  readonly #put: (chunk: string, plain: Buffer) => Promise<void>
  readonly #perChunk: number
  #gathered: Buffer
  #pages: number[] = []
  #digests: Buffer[] = []

  /** `put` is given each chunk, also one that the destination may have; it keeps the bytes. */
  constructor(ledger: Ledger, put: (chunk: string, plain: Buffer) => Promise<void>) {
    this.#ledger = ledger
    this.#put = put
    this.#perChunk = pagesPerChunk(ledger.pageSize)
    this.#gathered = this.#empty()
  }

  /** Takes pages that follow one another from `first` on. */
  async take(first: number, bytes: Buffer): Promise<void> {
    const { pageSize } = this.#ledger
    for (let at = 0; at < bytes.length; at += pageSize) {
      const page = first + at / pageSize
      const content = bytes.subarray(at, at + pageSize)
      const digest = hash('sha256', content, 'buffer')
      if (this.#ledger.has(page, digest)) continue
      content.copy(this.#gathered, this.#pages.length * pageSize)
      this.#digests.push(digest)
      if (this.#pages.push(page) === this.#perChunk) await this.flush()
    }
  }

  /** Makes a chunk of what is left. */
  async flush(): Promise<void> {
    if (this.#pages.length === 0) return
    const plain = this.#gathered.subarray(0, this.#pages.length * this.#ledger.pageSize)
    const chunk = sha256Of(plain)
    await this.#put(chunk, plain)
    this.#ledger.put(chunk, this.#pages, this.#digests)
    this.#gathered = this.#empty()
    this.#pages = []
    this.#digests = []
  }

  #empty(): Buffer {
    return Buffer.allocUnsafe(this.#perChunk * this.#ledger.pageSize)
  }
}
