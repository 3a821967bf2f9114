import { asBuffer, RepoError, Tape } from '@orrery/repo'
import { addLink, emptyExtraction, type Extraction, type Limits } from './extraction.ts'
import { compareUtf8 } from './key-order.ts'
import { parseTarget } from './target.ts'
import { isTypeKey, mayBeLink, TextCache } from './text-bytes.ts'

/** CBOR's major types of what links may stand in. */
const text = 3
const array = 4
const map = 5

interface Member {
  key: string
  /** Where its value is on the tape. */
  slot: number
}

/** Finds links in DAG-CBOR. It makes strings of links and of the keys that may lead to one, and nothing of the rest. */
export class CborLinks {
  #tape = new Tape()
  #keys = new TextCache()
  #bytes: Buffer = Buffer.alloc(0)
  #limits: Limits
  #out = emptyExtraction()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** The links of the one item that `bytes` must be; undefined where they are not strict DAG-CBOR. */
  read(bytes: Uint8Array): Extraction | undefined {
    try {
      this.#tape.scan(bytes, 0, bytes.length)
    } catch (error) {
      if (error instanceof RepoError) return undefined
      throw error
    }
    this.#bytes = asBuffer(bytes)
    this.#out = emptyExtraction()
    this.#visit(0, '')
    return this.#out
  }

  #visit(slot: number, path: string): void {
    const tape = this.#tape
    const major = tape.major(slot)
    if (major === text) {
      const target = this.#mayHoldLinks(slot) ? parseTarget(this.#text(slot)) : undefined
      if (target) addLink(this.#out, this.#limits, path, target)
    } else if (major === array) {
      const end = tape.slots[slot + 1]!
      for (let item = slot + 2; item < end; item = tape.after(item)) {
        if (this.#mayHoldLinks(item)) this.#visit(item, `${path}[${this.#typeOf(item)}]`)
      }
    } else if (major === map) {
      for (const member of this.#members(slot)) this.#visit(member.slot, `${path}.${member.key}`)
    }
  }

  /** The members that may hold links, in document order, which is not the order of DAG-CBOR. */
  #members(slot: number): Member[] {
    const tape = this.#tape
    const end = tape.slots[slot + 1]!
    const members: Member[] = []
    for (let key = slot + 2; key < end; key = tape.after(key + 2)) {
      if (this.#mayHoldLinks(key + 2)) members.push({ key: this.#key(key), slot: key + 2 })
    }
    return members.length > 1 ? members.toSorted((a, b) => compareUtf8(a.key, b.key)) : members
  }

  #mayHoldLinks(slot: number): boolean {
    const tape = this.#tape
    const major = tape.major(slot)
    if (major === text) return mayBeLink(this.#bytes, tape.textStart(slot), tape.textEnd(slot))
    return major === array || major === map
  }

  /** The `$type` of an item; empty where it has none, which amounts to an empty one. */
  #typeOf(item: number): string {
    const tape = this.#tape
    if (tape.major(item) !== map) return ''
    const end = tape.slots[item + 1]!
    for (let key = item + 2; key < end; key = tape.after(key + 2)) {
      if (isTypeKey(this.#bytes, tape.textStart(key), tape.textEnd(key))) {
        return tape.major(key + 2) === text ? this.#key(key + 2) : ''
      }
    }
    return ''
  }

  #key(slot: number): string {
    return this.#keys.text(this.#bytes, this.#tape.textStart(slot), this.#tape.textEnd(slot))
  }

  #text(slot: number): string {
    return this.#bytes.toString('utf8', this.#tape.textStart(slot), this.#tape.textEnd(slot))
  }
}
