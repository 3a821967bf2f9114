import type { Database } from '@orrery/storage'
import { memberIndex, type Members, readMembers, writeMembers } from './members.ts'
import { longKey, withinLong } from './schema.ts'

interface Row {
  id: number
  data: Buffer
}

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
    const areAgain: boolean[] = Array.from({ length: entries.length })
    const byDid = entries.map((entry, i) => ({ ...entry, i })).toSorted((a, b) => a.did - b.did || a.i - b.i)
    for (let at = 0; at < byDid.length;) {
      const { did } = byDid[at]!
      const row = this.#db.findToWrite.get(longKey(long + 1, 0), longKey(long, 0), longKey(long, did))
      const [id, data, next] = row ?? []
      const members = data ? readMembers(data) : { dids: [], slots: [] }
      const end = typeof next === 'number' ? withinLong(next) : Infinity
      for (; at < byDid.length && byDid[at]!.did < end; at++) {
        const entry = byDid[at]!
        const index = memberIndex(members, entry.did)
        const had = members.dids[index] === entry.did
        areAgain[entry.i] = had
        if (had) members.slots[index]!.push(entry.slot)
        else {
          members.dids.splice(index, 0, entry.did)
          members.slots.splice(index, 0, [entry.slot])
        }
      }
      this.#write(long, id, members)
    }
    return areAgain
  }

  /** Strikes a slot of a DID; answers those left. */
  remove(long: number, did: number, slot: number): number[] {
    const row = this.#db.atOrBelow.get(longKey(long, 0), longKey(long, did))!
    const members = readMembers(row.data)
    const at = memberIndex(members, did)
    const left = members.slots[at]!.filter(other => other !== slot)
    if (left.length > 0) members.slots[at] = left
    else {
      members.dids.splice(at, 1)
      members.slots.splice(at, 1)
    }
    // The first row stays, as in `record`.
    if (members.dids.length > 0 || withinLong(row.id) === 0)
      this.#db.update.run(writeMembers(members), row.id)
    else this.#db.remove.run(row.id)
    return left
  }

  #write(long: number, row: number | undefined, members: Members): void {
    const whole = writeMembers(members)
    const count = members.dids.length
    const pieces = Math.min(count, Math.ceil(whole.length / this.#maxRowBytes))
    for (let i = 0; i < pieces; i++) {
      const from = Math.floor((count * i) / pieces)
      const data = pieces === 1 ? whole : writeMembers(members, from, Math.floor((count * (i + 1)) / pieces))
      if (i > 0) this.#db.insert.run(longKey(long, members.dids[from]!), data)
      else if (row !== undefined) this.#db.update.run(data, row)
      else this.#db.insert.run(longKey(long, 0), data)
    }
  }
}

/** The stretch at or below a key, at or above another. */
export function memberAtOrBelow(db: Database) {
  return db.prepare<[number, number], Row>(
    'SELECT id, data FROM member WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1',
  )
}
