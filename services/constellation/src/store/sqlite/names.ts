import type { Database } from '@orrery/storage'
import { Recent } from './recent.ts'

/** The tables that number texts. */
export type NameTable = 'did' | 'collection' | 'source' | 'text'

/** Numbers for texts, from 1. Found by a hash, so that no text is kept twice. Numbers last for ever and may be remembered. */
export class Names {
  readonly #find
  readonly #read
  readonly #add
  readonly #ids: Recent<string, number>
  readonly #names: Recent<number, string>

  constructor(db: Database, table: NameTable, { remembered = 20_000 }: { remembered?: number } = {}) {
    this.#find = db.prepare<[number, string], { id: number }>(
      `SELECT id FROM ${table} WHERE hash = ? AND name = ?`,
    )
    this.#read = db.prepare<[number], { name: string }>(`SELECT name FROM ${table} WHERE id = ?`)
    this.#add = db.readonly
      ? undefined
      : db.prepare<[number, string]>(`INSERT INTO ${table} (hash, name) VALUES (?, ?)`)
    this.#ids = new Recent(remembered)
    this.#names = new Recent(remembered)
  }

  /** The number of a text; undefined where it has none. */
  find(name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.#find.get(hashOf(name), name)?.id
    if (id !== undefined) this.#ids.set(name, id)
    return id
  }

  /** The number of a text, which gets one where it has none. */
  number(name: string): number {
    const known = this.find(name)
    if (known !== undefined) return known
    const id = Number(this.#add!.run(hashOf(name), name).lastInsertRowid)
    this.#ids.set(name, id)
    return id
  }

  /** The text of a number that was given. */
  name(id: number): string {
    let name = this.#names.get(id)
    if (name === undefined) {
      name = this.#read.get(id)!.name
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

/** FNV-1a over UTF-16 units; 32 bits with a sign, which SQLite keeps in four bytes. @see https://www.rfc-editor.org/rfc/rfc9923 */
function hashOf(name: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193)
  return hash | 0
}
