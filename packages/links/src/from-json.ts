import { asBuffer } from '@orrery/repo'
import { addLink, emptyExtraction, type Extraction, type Limits, maxLevels } from './extraction.ts'
import { linksOfValue } from './from-value.ts'
import { JsonScanner, stringKinds } from './json-scanner.ts'
import { parseTarget } from './target.ts'
import { isTypeKey, mayBeLink, TextCache } from './text-bytes.ts'

const { escaped, wide } = stringKinds

/**
 * Finds links in the bytes of JSON without parsing them into objects. It takes JSON as the Jetstream wire has it: keys
 * of plain ASCII in order, none twice, `$type` first. Where anything else could change the answer, and where the bytes
 * are not JSON, `JSON.parse` and the walk over its result answer.
 */
export class JsonLinks {
  #limits: Limits
  #scanner = new JsonScanner()
  #keys = new TextCache()
  #out = emptyExtraction()
  /** For each level, where in the bytes its label is: the key of a member, or the `$type` of an item. */
  #labels = new Int32Array((maxLevels + 1) * 2)
  #isItem = new Uint8Array(maxLevels + 1)
  /** For each level the path that leads there, once a link has asked for it. */
  #paths: (string | undefined)[] = ['']

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** The links of the one value that `bytes` must be; undefined where they are not JSON. */
  read(bytes: Uint8Array): Extraction | undefined {
    const buffer = asBuffer(bytes)
    this.#scanner.start(buffer)
    this.#out = emptyExtraction()
    if (this.#value(0) && this.#scanner.peek() === -1) return this.#out
    try {
      return linksOfValue(JSON.parse(buffer.toString()), this.#limits)
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }

  // Each of these reads one thing, and answers false where it cannot tell what the links are.

  #value(level: number): boolean {
    switch (this.#scanner.peek()) {
      case 0x22:
        return this.#string(level)
      case 0x7b:
        return level < maxLevels && this.#object(level)
      case 0x5b:
        return level < maxLevels && this.#array(level)
      default:
        return this.#scanner.scalar()
    }
  }

  #string(level: number): boolean {
    const scanner = this.#scanner
    if (!scanner.string()) return false
    const { bytes, from, to, kind } = scanner
    // A link is ASCII, and has a colon in it or an escape that stands for one.
    if (kind === 0 || (kind & wide) !== 0 || !mayBeLink(bytes, from, to)) return true
    const target = parseTarget(scanner.text())
    if (target) addLink(this.#out, this.#limits, this.#path(level), target)
    return true
  }

  #array(level: number): boolean {
    const scanner = this.#scanner
    scanner.take(0x5b)
    if (scanner.take(0x5d)) return true
    do {
      this.#label(level + 1, true, 0, 0)
      if (!this.#value(level + 1)) return false
    } while (scanner.take(0x2c))
    return scanner.take(0x5d)
  }

  #object(level: number): boolean {
    const scanner = this.#scanner
    scanner.take(0x7b)
    if (scanner.take(0x7d)) return true
    const linksBefore = countOf(this.#out)
    let inOrder = true
    let lastFrom = 0
    let lastTo = -1
    do {
      if (!this.#plainString()) return false
      const { bytes, from, to } = scanner
      const isFirst = lastTo < 0
      if (!isFirst && compareRanges(bytes, lastFrom, lastTo, from, to) >= 0) inOrder = false
      if (!scanner.take(0x3a)) return false
      if (this.#isItem[level] === 1 && isTypeKey(bytes, from, to) && !(isFirst && this.#type(level)))
        return false
      this.#label(level + 1, false, from, to)
      if (!this.#value(level + 1)) return false
      lastFrom = from
      lastTo = to
    } while (scanner.take(0x2c))
    // Out of order, a key may be there twice, and links in another order than they should be. No links, no matter.
    return scanner.take(0x7d) && (inOrder || countOf(this.#out) === linksBefore)
  }

  /** Labels the item at `level` with its `$type`, which comes next and is left to be read. */
  #type(level: number): boolean {
    const scanner = this.#scanner
    if (scanner.peek() !== 0x22) return true
    if (!this.#plainString()) return false
    this.#label(level, true, scanner.from, scanner.to)
    scanner.unread()
    return true
  }

  /** Reads a string whose characters are its bytes. */
  #plainString(): boolean {
    const scanner = this.#scanner
    return scanner.peek() === 0x22 && scanner.string() && (scanner.kind & (escaped | wide)) === 0
  }

  #label(level: number, isItem: boolean, from: number, to: number): void {
    this.#isItem[level] = isItem ? 1 : 0
    this.#labels[level * 2] = from
    this.#labels[level * 2 + 1] = to
    this.#paths[level] = undefined
  }

  #path(level: number): string {
    const known = this.#paths[level]
    if (known !== undefined) return known
    const label = this.#keys.text(this.#scanner.bytes, this.#labels[level * 2]!, this.#labels[level * 2 + 1]!)
    const path = this.#path(level - 1) + (this.#isItem[level] === 1 ? `[${label}]` : `.${label}`)
    this.#paths[level] = path
    return path
  }
}

function countOf({ links, tooMany, tooLong }: Extraction): number {
  return links.length + tooMany + tooLong
}

/** Orders two ranges of `bytes` as memcmp does; a prefix comes first. */
function compareRanges(bytes: Uint8Array, aFrom: number, aTo: number, bFrom: number, bTo: number): number {
  const length = Math.min(aTo - aFrom, bTo - bFrom)
  for (let i = 0; i < length; i++) {
    const difference = bytes[aFrom + i]! - bytes[bFrom + i]!
    if (difference !== 0) return difference
  }
  return aTo - aFrom - (bTo - bFrom)
}
