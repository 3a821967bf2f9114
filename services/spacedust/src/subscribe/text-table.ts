const none: readonly never[] = []

const leastBits = 1024
/** One text in so many that are not there is looked for in vain. */
const bitsPerText = 16
/** What is hashed of a text: the end, where DIDs and record keys differ. */
const hashedChars = 16

/**
 * What is filed under texts, mostly one thing under each, for being asked about texts of which nearly none are there. A
 * JavaScript map keeps each string that it is asked about in a table of all strings: a microsecond, and memory to be found
 * dead later. So one is asked only where the bit of the text's hash is set.
 */
export class TextTable<Item extends object> {
  #items = new Map<string, Item | Set<Item>>()
  /** As many as a power of two. */
  #bits = new Uint8Array(leastBits / 8)
  /** Texts that have set their bit since all were set anew; removing one leaves its bit. */
  #marked = 0

  /** How many different texts there are. */
  get size(): number {
    return this.#items.size
  }

  get(text: string): Iterable<Item> {
    const bit = this.#bitOf(text)
    if ((this.#bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return none
    const found = this.#items.get(text)
    if (!found) return none
    return found instanceof Set ? found : [found]
  }

  add(text: string, item: Item): void {
    const found = this.#items.get(text)
    if (found instanceof Set) found.add(item)
    else this.#items.set(text, found && found !== item ? new Set([found, item]) : item)
    if (found) return
    if (++this.#marked * bitsPerText > this.#bits.length * 8) this.#markAll()
    else this.#mark(text)
  }

  remove(text: string, item: Item): void {
    const found = this.#items.get(text)
    if (found instanceof Set) {
      if (found.delete(item) && found.size === 0) this.#items.delete(text)
    } else if (found === item) this.#items.delete(text)
  }

  #markAll(): void {
    const wanted = Math.max(leastBits, this.#items.size * bitsPerText * 2)
    this.#bits = new Uint8Array(2 ** Math.ceil(Math.log2(wanted)) / 8)
    this.#marked = this.#items.size
    for (const text of this.#items.keys()) this.#mark(text)
  }

  #mark(text: string): void {
    const bit = this.#bitOf(text)
    this.#bits[bit >>> 3]! |= 1 << (bit & 7)
  }

  #bitOf(text: string): number {
    let hash = text.length
    for (let i = Math.max(0, text.length - hashedChars); i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    }
    return (hash ^ (hash >>> 15)) & (this.#bits.length * 8 - 1)
  }
}
