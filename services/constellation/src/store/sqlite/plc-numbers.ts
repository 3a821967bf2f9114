import { plcGroup } from './did.ts'
import { Recent } from './recent.ts'

const ways = 4
/** Four groups of 30 bits, which are the whole DID, and its number. */
const fields = 5

/**
 * Remembers the numbers of very many did:plc in memory of a fixed size, where a Map takes five times as much and the
 * garbage collector goes through it. Each has four places where it may be; where all are taken one of the four is
 * forgotten.
 */
export class PlcNumbers {
  readonly #table: Int32Array
  readonly #mask: number
  readonly #others = new Recent<string, number>(10_000)
  #next = 0

  /** `entries` is a power of two; each takes 20 bytes. */
  constructor(entries: number) {
    this.#table = new Int32Array(entries * fields)
    this.#mask = entries / ways - 1
  }

  get(did: string): number | undefined {
    if (!readGroups(did)) return this.#others.get(did)
    const at = this.#find()
    return at < 0 ? undefined : this.#table[at + 4]! >>> 0
  }

  set(did: string, id: number): void {
    if (!readGroups(did) || id >= 2 ** 32) {
      this.#others.set(did, id)
      return
    }
    const from = this.#place()
    let way = 0
    while (way < ways && this.#table[from + way * fields + 4] !== 0) way++
    if (way === ways) way = this.#next = (this.#next + 1) % ways
    const at = from + way * fields
    this.#table.set(groups, at)
    this.#table[at + 4] = id
  }

  clear(): void {
    this.#table.fill(0)
    this.#others.clear()
  }

  /** Where the DID of `groups` is; below 0 where it is not. */
  #find(): number {
    const table = this.#table
    const [a, b, c, d] = groups
    const from = this.#place()
    for (let at = from; at < from + ways * fields; at += fields) {
      // Those that are empty have the number 0.
      if (
        table[at] === a &&
        table[at + 1] === b &&
        table[at + 2] === c &&
        table[at + 3] === d &&
        table[at + 4] !== 0
      )
        return at
    }
    return -1
  }

  #place(): number {
    // Anyone may choose the first digits of a DID by trying; to fill places on purpose gains little.
    return ((groups[0]! ^ (groups[1]! << 7)) & this.#mask) * ways * fields
  }
}

const groups = new Int32Array(4)

/** Reads a did:plc into `groups`; false where it is another DID. */
function readGroups(did: string): boolean {
  for (let i = 0; i < 4; i++) {
    const group = plcGroup(did, i)
    if (group < 0) return false
    groups[i] = group
  }
  return true
}
