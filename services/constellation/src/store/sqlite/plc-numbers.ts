const ways = 8
/** Four groups of 30 bits, which are the whole DID, and its number. */
const fields = 5

/**
 * Remembers the numbers of very many did:plc in memory of a fixed size, where a Map takes five times as much and the
 * garbage collector goes through it. A DID is told as its four groups (`plcGroup`). Each has eight places where it may be;
 * where all are taken one of the eight is forgotten.
 */
export class PlcNumbers {
  readonly #table: Int32Array
  readonly #mask: number
  #next = 0

  /** `entries` is a power of two; each takes 20 bytes. */
  constructor(entries: number) {
    this.#table = new Int32Array(entries * fields)
    this.#mask = entries / ways - 1
  }

  get(a: number, b: number, c: number, d: number): number | undefined {
    const table = this.#table
    const from = this.#place(a, b)
    for (let at = from; at < from + ways * fields; at += fields) {
      // Those that are empty have the number 0.
      if (
        table[at] === a &&
        table[at + 1] === b &&
        table[at + 2] === c &&
        table[at + 3] === d &&
        table[at + 4] !== 0
      )
        return table[at + 4]!
    }
    return undefined
  }

  /** A number from 1 and below 2^31. */
  set(a: number, b: number, c: number, d: number, id: number): void {
    const table = this.#table
    const from = this.#place(a, b)
    let way = 0
    while (way < ways && table[from + way * fields + 4] !== 0) way++
    if (way === ways) way = this.#next = (this.#next + 1) % ways
    const at = from + way * fields
    table[at] = a
    table[at + 1] = b
    table[at + 2] = c
    table[at + 3] = d
    table[at + 4] = id
  }

  clear(): void {
    this.#table.fill(0)
  }

  #place(a: number, b: number): number {
    // Anyone may choose the first digits of a DID by trying; to fill places on purpose gains little.
    return ((a ^ (b << 7)) & this.#mask) * ways * fields
  }
}
