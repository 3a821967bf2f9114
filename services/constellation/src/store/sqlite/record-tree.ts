import type { Database } from '@orrery/storage'
import {
  comparePlaces,
  findLinks,
  firstBytes,
  type KeptLink,
  mergeRecords,
  type PendingRecord,
  type RecordPlace,
  RecordReader,
} from './records.ts'
import { sortByNumber } from './sorted.ts'

interface Row {
  hour: number
  first: Buffer
  data: Buffer
}

const nothing = Buffer.alloc(0)
/** Above the first bytes of all records. */
const lastFirst = Buffer.alloc(5, 0xff)

/**
 * What records link to, as it is written. What a batch puts is kept until `flush`, which goes through it in the order of the
 * rows, so that each is read and written once.
 */
export class RecordTree {
  readonly #pending = new Map<string, PendingRecord>()
  readonly #maxRowBytes: number
  readonly #db

  constructor(db: Database, maxRowBytes: number) {
    this.#maxRowBytes = maxRowBytes
    this.#db = {
      find: prepareFindRow(db),
      // With the end of what the row has.
      findToWrite: db.prepare<[number, Buffer], Row & { next: Buffer | null }>(
        `SELECT hour, first, data,
           (SELECT later.first FROM record AS later
            WHERE later.hour = record.hour AND later.first > record.first ORDER BY later.first LIMIT 1) AS next
         FROM record WHERE (hour, first) <= (?, ?) ORDER BY hour DESC, first DESC LIMIT 1`,
      ),
      above: db.prepare<[number, Buffer], Row>(
        'SELECT hour, first, data FROM record WHERE (hour, first) > (?, ?) ORDER BY hour, first LIMIT 1',
      ),
      insert: db.prepare('INSERT INTO record (hour, first, data) VALUES (?, ?, ?)'),
      update: db.prepare('UPDATE record SET data = ? WHERE hour = ? AND first = ?'),
      remove: db.prepare('DELETE FROM record WHERE hour = ? AND first = ?'),
    }
  }

  /** The links of a record, whose key is told as text too; undefined where it has none. */
  find(place: RecordPlace, rkey: string): readonly KeptLink[] | undefined {
    const pending = this.#pending.get(nameOf(place, rkey))
    if (pending) return pending.links.length > 0 ? pending.links : undefined
    const row = this.#db.find(place)
    return row && findLinks(row, place)
  }

  /** Sets the links of a record; without any it is gone. */
  put(place: RecordPlace, rkey: string, links: readonly KeptLink[]): void {
    this.#pending.set(nameOf(place, rkey), { place, links })
  }

  /**
   * What an account has in an hour of keys or later, hour by hour: those of all accounts are looked at, so there may be
   * nothing. Only after `flush`.
   */
  *ofAccount(did: number, fromHour: number): Generator<{ hour: number; records: PendingRecord[] }, void> {
    let hour = fromHour
    for (;;) {
      const start = { hour, did, collection: 0, tid: 0, text: undefined }
      const end = firstBytes({ ...start, did: did + 1 })
      const records: PendingRecord[] = []
      let row = this.#db.findToWrite.get(hour, firstBytes(start)) as Row | undefined
      while (row?.hour === hour && Buffer.compare(row.first, end) < 0) {
        const reader = new RecordReader(row.data, hour)
        while (reader.next() && reader.did <= did) {
          const { collection, tid, text, links } = reader
          if (reader.did === did) records.push({ place: { hour, did, collection, tid, text }, links })
        }
        row = this.#db.above.get(hour, row.first)
      }
      yield { hour, records }
      const next = this.#db.above.get(hour, lastFirst)
      if (!next) return
      hour = next.hour
    }
  }

  /** Writes what was put, and forgets it. */
  flush(): void {
    const pending = inOrder([...this.#pending.values()])
    for (let i = 0; i < pending.length;) {
      const { place } = pending[i]!
      const { hour } = place
      const found = this.#db.findToWrite.get(hour, firstBytes(place))
      const row = found?.hour === hour ? found : undefined
      const from = i
      const end = row?.next ?? null
      do i++
      while (i < pending.length && pending[i]!.place.hour === hour && isBelow(pending[i]!.place, end))
      this.#write(hour, row, pending.slice(from, i))
    }
    this.#pending.clear()
  }

  forget(): void {
    this.#pending.clear()
  }

  #write(hour: number, row: Row | undefined, pending: readonly PendingRecord[]): void {
    const rows = mergeRecords(row?.data ?? nothing, hour, pending, this.#maxRowBytes)
    const was = row?.first ?? nothing
    for (const { first, data } of rows) {
      if (first) this.#db.insert.run(hour, first, data)
      else if (row) this.#db.update.run(data, hour, was)
      else this.#db.insert.run(hour, was, data)
    }
    if (rows.length > 0 || !row) return
    // The first row of an hour stays: what comes before the second one has its place.
    if (was.length === 0) this.#db.update.run(nothing, hour, was)
    else this.#db.remove.run(hour, was)
  }
}

function inOrder(pending: readonly PendingRecord[]): PendingRecord[] {
  const byHour = [...Map.groupBy(pending, ({ place }) => place.hour)].toSorted(([a], [b]) => a - b)
  return byHour.flatMap(([, records]) =>
    sortByNumber(
      records,
      ({ place }) => place.did,
      (a, b) => comparePlaces(a.place, b.place),
    ),
  )
}

function isBelow(place: RecordPlace, end: Buffer | null): boolean {
  return end === null || Buffer.compare(firstBytes(place), end) < 0
}

/**
 * Looks up the row that has a record or would have it. Compared as a row: this SQLite plans anew for each other value that a
 * single column is to be below (STAT4), which takes six times as long as the look-up.
 */
export function prepareFindRow(db: Database): (place: RecordPlace) => Buffer | undefined {
  const find = db.prepare<[number, Buffer], Pick<Row, 'hour' | 'data'>>(
    'SELECT hour, data FROM record WHERE (hour, first) <= (?, ?) ORDER BY hour DESC, first DESC LIMIT 1',
  )
  return place => {
    const row = find.get(place.hour, firstBytes(place))
    return row?.hour === place.hour ? row.data : undefined
  }
}

function nameOf({ did, collection }: RecordPlace, rkey: string): string {
  return `${did} ${collection} ${rkey}`
}
