import type { Database } from '@orrery/storage'
import { cutStretch, findRecord, type KeptLink, type Place, withRecord } from './records.ts'

interface Stretch {
  readonly did: number
  readonly collection: number
  readonly first: Buffer
  data: Buffer
  isDirty: boolean
}

/** A record that was looked for, and where it is or would be. */
export interface FoundRecord {
  place: Place
  /** Undefined where no stretch of its collection begins before it. */
  stretch: Stretch | undefined
}

/** A record of which there is nothing to find, as its account never linked. */
export const notFound: FoundRecord = {
  stretch: undefined,
  place: { found: false, start: 0, end: 0, links: [] },
}

/**
 * What records link to, as it is written. Stretches that a batch touches are kept until `flush`; which there are is always
 * on disk.
 */
export class Stretches {
  readonly #stretches = new Map<string, Stretch>()
  readonly #maxRowBytes: number
  readonly #db

  constructor(db: Database, maxRowBytes: number) {
    this.#maxRowBytes = maxRowBytes
    this.#db = {
      atOrBelow: stretchAtOrBelow(db),
      ofAccount: db.prepare<[number], { collection: number; first: Buffer; data: Buffer }>(
        'SELECT collection, first, data FROM record WHERE did = ? ORDER BY collection, first LIMIT 1',
      ),
      insert: db.prepare('INSERT INTO record (did, collection, first, data) VALUES (?, ?, ?, ?)'),
      update: db.prepare('UPDATE record SET data = ? WHERE did = ? AND collection = ? AND first = ?'),
      remove: db.prepare('DELETE FROM record WHERE did = ? AND collection = ? AND first = ?'),
    }
  }

  find(did: number, collection: number, key: Buffer): FoundRecord {
    const row = this.#db.atOrBelow(did, collection, key)
    if (!row) return notFound
    const name = nameOf(did, collection, row.first)
    let stretch = this.#stretches.get(name)
    if (!stretch) {
      stretch = { did, collection, first: row.first, data: row.data, isDirty: false }
      this.#stretches.set(name, stretch)
    }
    return { stretch, place: findRecord(stretch.data, key) }
  }

  /** Puts a record where it was found, or takes it away where there are no links. */
  put(
    did: number,
    collection: number,
    key: Buffer,
    { stretch, place }: FoundRecord,
    links: readonly KeptLink[],
  ): void {
    if (!stretch) {
      const data = withRecord(Buffer.alloc(0), place, key, links)
      this.#insert(did, collection, key, data)
      return
    }
    const grewAtEnd = place.end === stretch.data.length
    stretch.data = withRecord(stretch.data, place, key, links)
    stretch.isDirty = true
    if (stretch.data.length === 0) {
      this.#db.remove.run(did, collection, stretch.first)
      this.#stretches.delete(nameOf(did, collection, stretch.first))
      return
    }
    if (stretch.data.length <= this.#maxRowBytes) return
    const cut = cutStretch(stretch.data, grewAtEnd)
    if (!cut) return
    stretch.data = cut.low
    this.#insert(did, collection, cut.first, Buffer.from(cut.high))
  }

  /** The first stretch of an account; undefined where it has none. Only after `flush`. */
  firstOf(did: number): { collection: number; first: Buffer; data: Buffer } | undefined {
    return this.#db.ofAccount.get(did)
  }

  /** Removes a stretch as a whole. Only after `flush`. */
  remove(did: number, collection: number, first: Buffer): void {
    this.#db.remove.run(did, collection, first)
  }

  flush(): void {
    const dirty = [...this.#stretches.entries()].filter(([, { isDirty }]) => isDirty)
    dirty.sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [, { did, collection, first, data }] of dirty) {
      this.#db.update.run(data, did, collection, first)
    }
    this.#stretches.clear()
  }

  forget(): void {
    this.#stretches.clear()
  }

  #insert(did: number, collection: number, first: Buffer, data: Buffer): void {
    this.#db.insert.run(did, collection, first, data)
    // What follows in the batch often belongs to it.
    this.#stretches.set(nameOf(did, collection, first), { did, collection, first, data, isDirty: false })
  }
}

/**
 * Looks up the stretch of a repository's collection that has a key, or would have it. Compared as a row: this SQLite plans
 * anew for each other value that a single column is to be below (STAT4), which takes six times as long as the look-up.
 */
export function stretchAtOrBelow(
  db: Database,
): (did: number, collection: number, key: Buffer) => { first: Buffer; data: Buffer } | undefined {
  const find = db.prepare<
    [number, number, Buffer],
    { did: number; collection: number; first: Buffer; data: Buffer }
  >(
    `SELECT did, collection, first, data FROM record WHERE (did, collection, first) <= (?, ?, ?)
     ORDER BY did DESC, collection DESC, first DESC LIMIT 1`,
  )
  return (did, collection, key) => {
    const row = find.get(did, collection, key)
    return row?.did === did && row.collection === collection ? row : undefined
  }
}

/** Sorts as the tree does, nearly: neighbours come together. */
function nameOf(did: number, collection: number, first: Buffer): string {
  return `${String.fromCodePoint(Math.floor(did / 0x8000), did % 0x8000)} ${collection} ${first.toString('latin1')}`
}
