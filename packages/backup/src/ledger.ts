import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { hash } from 'node:crypto'
import type { PageMap } from './page-map.ts'

const digestBytes = 16
const nowhere = 0xffff_ffff

/**
 * What a destination has of a file: of each page a digest, and the chunk that holds it. Some 22 bytes a page in memory. It is
 * a cache: without it everything counts as changed, and what is there all the same is found by its name.
 */
export class Ledger {
  readonly pageSize: number
  /** As the file lay on disk when it was read last; see `FileView.stamp`. */
  stamp: string | undefined
  /** Of the file as it was when the stamp was noted, hex. */
  sha256 = ''
  pages = 0
  #digests = Buffer.alloc(0)
  #chunkOf = new Uint32Array(0)
  #slotOf = new Uint16Array(0)
  #chunks: string[] = []
  /** Pages in each chunk. */
  #sizes: number[] = []

  constructor(pageSize: number) {
    this.pageSize = pageSize
  }

  /** Reads what `save` wrote; an empty one where that is not to be had, or is of another page size. */
  static load(path: string, pageSize: number): Ledger {
    const ledger = new Ledger(pageSize)
    if (!existsSync(path)) return ledger
    try {
      const bytes = readFileSync(path)
      const headEnd = bytes.indexOf(0x0a)
      const head = JSON.parse(bytes.toString('utf8', 0, headEnd)) as Head
      const body = bytes.subarray(headEnd + 1)
      const digest = hash('sha256', body, 'hex')
      if (head.pageSize !== pageSize || head.digest !== digest) return ledger
      ledger.#grow(head.pages)
      body.copy(ledger.#digests, 0, 0, head.pages * digestBytes)
      for (let page = 0, at = head.pages * digestBytes; page < head.pages; page++, at += 6) {
        ledger.#chunkOf[page] = body.readUInt32LE(at)
        ledger.#slotOf[page] = body.readUInt16LE(at + 4)
      }
      ledger.#chunks = head.chunks
      ledger.#sizes = head.sizes
      ledger.pages = head.pages
      ledger.stamp = head.stamp
      ledger.sha256 = head.sha256
      return ledger
    } catch {
      return new Ledger(pageSize)
    }
  }

  save(path: string): void {
    const body = Buffer.alloc(this.pages * (digestBytes + 6))
    this.#digests.copy(body, 0, 0, this.pages * digestBytes)
    for (let page = 0, at = this.pages * digestBytes; page < this.pages; page++, at += 6) {
      body.writeUInt32LE(this.#chunkOf[page]!, at)
      body.writeUInt16LE(this.#slotOf[page]!, at + 4)
    }
    const head: Head = {
      pageSize: this.pageSize,
      pages: this.pages,
      stamp: this.stamp,
      sha256: this.sha256,
      digest: hash('sha256', body, 'hex'),
      chunks: this.#chunks,
      sizes: this.#sizes,
    }
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.new`, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]))
    renameSync(`${path}.new`, path)
  }

  /**
   * Forgets what cannot be relied on: pages in chunks that are gone, and some of those in chunks of which most pages are of
   * the past, so that they are put anew, and what is kept stays below twice what is used. At most `share` of all pages.
   */
  prune(has: (chunk: string) => boolean, share = 0.02): void {
    const live = new Uint32Array(this.#chunks.length)
    for (let page = 0; page < this.pages; page++) if (this.#isSomewhere(page)) live[this.#chunkOf[page]!]!++
    let left = this.pages * share
    const drop = this.#chunks.map((chunk, i) => {
      if (!has(chunk)) return true
      if (live[i] === 0 || live[i]! * 2 > this.#sizes[i]! || live[i]! > left) return false
      left -= live[i]!
      return true
    })
    for (let page = 0; page < this.pages; page++) {
      if (this.#isSomewhere(page) && drop[this.#chunkOf[page]!]) this.#chunkOf[page] = nowhere
    }
  }

  /** Whether the destination has a page as it is. */
  has(page: number, digest: Buffer): boolean {
    const at = page * digestBytes
    return (
      page < this.pages &&
      this.#isSomewhere(page) &&
      this.#digests.compare(digest, 0, digestBytes, at, at + digestBytes) === 0
    )
  }

  /** Whether all pages are known of a file that lies as it did. */
  isWhole(stamp: string, pages: number): boolean {
    if (this.stamp !== stamp || this.pages !== pages) return false
    return !this.#chunkOf.subarray(0, pages).includes(nowhere)
  }

  /** Notes how the whole file was, when it was read. */
  note(stamp: string | undefined, sha256: string): void {
    this.stamp = stamp
    this.sha256 = sha256
  }

  /** Notes that pages are in a chunk, in this order. */
  put(chunk: string, pages: readonly number[], digests: readonly Buffer[]): void {
    const index = this.#chunks.push(chunk) - 1
    this.#sizes.push(pages.length)
    this.#grow(pages.at(-1)! + 1)
    for (const [slot, page] of pages.entries()) {
      digests[slot]!.copy(this.#digests, page * digestBytes, 0, digestBytes)
      this.#chunkOf[page] = index
      this.#slotOf[page] = slot
      // What lies between is not known.
      for (; this.pages <= page; this.pages++) {
        if (this.pages < page) this.#chunkOf[this.pages] = nowhere
      }
    }
  }

  /** The map of a file of so many pages, all of which must be known; forgets the pages behind, and chunks without a page. */
  finish(pages: number): PageMap {
    const runs: number[] = []
    const chunks: string[] = []
    const sizes: number[] = []
    const renumbered = new Map<number, number>()
    for (let page = 0; page < pages; page++) {
      const old = this.#chunkOf[page]!
      const slot = this.#slotOf[page]!
      if (page >= this.pages || old === nowhere) throw new RangeError(`page ${page} is in no chunk`)
      let chunk = renumbered.get(old)
      if (chunk === undefined) {
        renumbered.set(old, (chunk = chunks.push(this.#chunks[old]!) - 1))
        sizes.push(this.#sizes[old]!)
      }
      this.#chunkOf[page] = chunk
      const last = runs.length - 3
      if (last >= 0 && runs[last] === chunk && slot === runs[last + 1]! + runs[last + 2]!) runs[last + 2]!++
      else runs.push(chunk, slot, 1)
    }
    this.pages = pages
    this.#chunks = chunks
    this.#sizes = sizes
    return { chunks, runs: Uint32Array.from(runs) }
  }

  #isSomewhere(page: number): boolean {
    return this.#chunkOf[page] !== nowhere
  }

  #grow(pages: number): void {
    if (pages <= this.#chunkOf.length) return
    const room = Math.max(pages, Math.ceil(this.#chunkOf.length * 1.5))
    const digests = Buffer.alloc(room * digestBytes)
    this.#digests.copy(digests)
    this.#digests = digests
    const chunkOf = new Uint32Array(room).fill(nowhere)
    chunkOf.set(this.#chunkOf)
    this.#chunkOf = chunkOf
    const slotOf = new Uint16Array(room)
    slotOf.set(this.#slotOf)
    this.#slotOf = slotOf
  }
}

interface Head {
  pageSize: number
  pages: number
  stamp: string | undefined
  sha256: string
  /** sha256 of what follows. */
  digest: string
  chunks: string[]
  sizes: number[]
}
