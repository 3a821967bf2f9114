import type { Database } from '@orrery/storage'
import { MemberReader, type MemberRow, MemberWriter } from './members.ts'
import { longKey, withinLong } from './schema.ts'
import { orderBy } from './sorted.ts'

interface Row {
  id: number
  data: Buffer
}

/** What a member takes, most often. */
const memberBytes = 5

/** Which DIDs link, of long lists, as it is written. A list's first row has whatever is below the second one. */
export class MemberTree {
  readonly #maxRowBytes: number
  readonly #db

  constructor(db: Database, maxRowBytes: number) {
    this.#maxRowBytes = maxRowBytes
    this.#db = {
      atOrBelow: memberAtOrBelow(db),
      // With where the next row of the list begins.
      findToWrite: db
        .prepare<[number, number, number], [id: number, data: Buffer, next: number | null]>(
          `SELECT id, data, (SELECT later.id FROM member AS later WHERE later.id > member.id AND later.id < ? ORDER BY later.id LIMIT 1)
           FROM member WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1`,
        )
        .raw(),
      insert: db.prepare('INSERT INTO member (id, data) VALUES (?, ?)'),
      update: db.prepare('UPDATE member SET data = ? WHERE id = ?'),
      remove: db.prepare('DELETE FROM member WHERE id = ?'),
    }
  }

  /** Enters slots of DIDs, rising; tells of each whether the DID had one already. Each row is read and written once. */
  add(long: number, entries: readonly { did: number; slot: number }[]): boolean[] {
    const areAgain: boolean[] = Array.from({ length: entries.length }, () => false)
    const order = orderBy(Uint32Array.from(entries.keys()), [i => entries[i]!.did], (a, b) => a - b)
    for (let at = 0; at < order.length;) {
      const [id, data = nothing, next] =
        this.#db.findToWrite.get(
          longKey(long + 1, 0),
          longKey(long, 0),
          longKey(long, entries[order[at]!]!.did),
        ) ?? []
      const end = typeof next === 'number' ? withinLong(next) : Infinity
      let to = at + 1
      while (to < order.length && entries[order[to]!]!.did < end) to++
      const reader = new MemberReader(data)
      const rows = new MemberWriter(data.length + (to - at) * memberBytes, this.#maxRowBytes)
      let isThere = reader.next()
      while (at < to) {
        const { did } = entries[order[at]!]!
        for (; isThere && reader.did < did; isThere = reader.next()) rows.copy(reader)
        const had = isThere && reader.did === did
        const slots = had ? reader.slots : []
        if (had) isThere = reader.next()
        for (; at < to && entries[order[at]!]!.did === did; at++) {
          areAgain[order[at]!] = slots.length > 0
          slots.push(entries[order[at]!]!.slot)
        }
        rows.write(did, slots)
      }
      for (; isThere; isThere = reader.next()) rows.copy(reader)
      this.#write(long, id, rows.end())
    }
    return areAgain
  }

  /** Strikes a slot of a DID; answers those left. */
  remove(long: number, did: number, slot: number): number[] {
    const row = this.#db.atOrBelow.get(longKey(long, 0), longKey(long, did))!
    const reader = new MemberReader(row.data)
    const rows = new MemberWriter(row.data.length, Infinity)
    let left: number[] = []
    while (reader.next()) {
      if (reader.did !== did) rows.copy(reader)
      else {
        left = reader.slots.filter(other => other !== slot)
        if (left.length > 0) rows.write(did, left)
      }
    }
    const [written] = rows.end()
    // The first row stays, as in `record`.
    if (written || withinLong(row.id) === 0) this.#db.update.run(written?.data ?? nothing, row.id)
    else this.#db.remove.run(row.id)
    return left
  }

  #write(long: number, row: number | undefined, rows: readonly MemberRow[]): void {
    for (const { first, data } of rows) {
      if (first !== undefined) this.#db.insert.run(longKey(long, first), data)
      else if (row !== undefined) this.#db.update.run(data, row)
      else this.#db.insert.run(longKey(long, 0), data)
    }
  }
}

const nothing = Buffer.alloc(0)

/** The stretch at or below a key, at or above another. */
export function memberAtOrBelow(db: Database) {
  return db.prepare<[number, number], Row>(
    'SELECT id, data FROM member WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1',
  )
}
