import type { Database } from '@orrery/storage'
import { packDid, unpackDid } from './did.ts'
import { keyedHash } from './keyed-hash.ts'
import { Recent } from './recent.ts'

/** The tables that number texts. */
export type NameTable = 'did' | 'collection' | 'source' | 'text'

const remembered = 20_000

/** A text as its table has it. */
type Kept = Buffer | string

/**
 * Numbers for texts, from 1. Found by a hash with the index's own key, so that no text is kept twice, and nobody can choose
 * texts that are slow to find. Numbers last for ever and may be remembered.
 */
export class Names {
  readonly #find
  readonly #read
  readonly #add
  readonly #pack: (name: string) => Kept
  readonly #key: Buffer
  readonly #ids = new Recent<string, number>(remembered)
  readonly #names = new Recent<number, string>(remembered)

  constructor(db: Database, table: NameTable) {
    this.#find = db
      .prepare<[number, Kept], number>(`SELECT id FROM ${table} WHERE hash = ? AND name = ?`)
      .pluck()
    this.#read = db.prepare<[number], { name: Kept }>(`SELECT name FROM ${table} WHERE id = ?`)
    this.#add = db.readonly
      ? undefined
      : db.prepare<[number, Kept]>(`INSERT INTO ${table} (hash, name) VALUES (?, ?)`)
    this.#pack = table === 'did' ? packDid : name => name
    this.#key = db.prepare<[], Buffer>('SELECT key FROM name_key').pluck().get()!
  }

  /** The number of a text; undefined where it has none. */
  find(name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const kept = this.#pack(name)
    const id = this.#find.get(keyedHash(this.#key, kept), kept)
    if (id !== undefined) this.#ids.set(name, id)
    return id
  }

  /** The number of a text, which gets one where it has none. */
  number(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.numberOf(this.#pack(name))
    this.#ids.set(name, id)
    return id
  }

  /** The same of a text as its table has it; nothing is remembered. */
  numberOf(kept: Kept): number {
    const hash = keyedHash(this.#key, kept)
    return this.#find.get(hash, kept) ?? Number(this.#add!.run(hash, kept).lastInsertRowid)
  }

  /** The text of a number that was given. */
  name(id: number): string {
    let name = this.#names.get(id)
    if (name === undefined) {
      name = unpackDid(this.#read.get(id)!.name)
      this.#names.set(id, name)
    }
    return name
  }

  /** Forgets what it remembers: numbers given in a transaction that did not happen. */
  forget(): void {
    this.#ids.clear()
    this.#names.clear()
  }
}
