import type { Database } from '@orrery/storage'
import type { Gathered, LinkRange } from './gathered.ts'
import { PlaceIndex } from './place-index.ts'
import {
  comparePlaces,
  findLinks,
  firstBytes,
  type KeptLink,
  mergeRecords,
  type RecordPlace,
  RecordReader,
} from './records.ts'
import { orderBy } from './sorted.ts'

interface Row {
  hour: number
  first: Buffer
  data: Buffer
}

/** A record as it is in the index. */
export interface KeptRecord {
  place: RecordPlace
  links: readonly KeptLink[]
}

const nothing = Buffer.alloc(0)
/** Above the first bytes of all records. */
const lastFirst = Buffer.alloc(5, 0xff)

/**
 * What records link to, as it is written. What a batch puts is kept until `flush`, which goes through it in the order of the
 * rows, so that each is read and written once.
 */
export class RecordTree {
  readonly #gathered: Gathered
  readonly #places: PlaceIndex
  readonly #maxRowBytes: number
  readonly #db

  constructor(db: Database, gathered: Gathered, maxRowBytes: number) {
    this.#gathered = gathered
    this.#places = new PlaceIndex(gathered)
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

  /** The links of a record, gathered if they were not; undefined where it has none. */
  find(place: RecordPlace): LinkRange | undefined {
    const gathered = this.#gathered
    const number = this.#places.find(place)
    if (number !== undefined) {
      const count = gathered.record.links[number]!
      return count > 0 ? { from: gathered.record.firstLink[number]!, count } : undefined
    }
    const row = this.#db.find(place)
    const links = row && findLinks(row, place)
    return links && gathered.addKept(links)
  }

  /** Sets the links of a record, and when it came; without links it is gone. */
  put(place: RecordPlace, time: number, links: LinkRange): void {
    this.#places.add(this.#gathered.addRecord(place, time, links))
  }

  /**
   * What an account has in an hour of keys or later, hour by hour: those of all accounts are looked at, so there may be
   * nothing. Only after `flush`.
   */
  *ofAccount(did: number, fromHour: number): Generator<{ hour: number; records: KeptRecord[] }, void> {
    let hour = fromHour
    for (;;) {
      const start = { hour, did, collection: 0, tid: 0, text: undefined }
      const end = firstBytes({ ...start, did: did + 1 })
      const records: KeptRecord[] = []
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
    const { hour: hours } = this.#gathered.record
    const changed = this.#inOrder()
    for (let i = 0; i < changed.length;) {
      const place = this.#gathered.placeOf(changed[i]!)
      const { hour } = place
      const found = this.#db.findToWrite.get(hour, firstBytes(place))
      const row = found?.hour === hour ? found : undefined
      const from = i
      const end = row?.next ?? null
      do i++
      while (i < changed.length && hours[changed[i]!] === hour && this.#isBelow(changed[i]!, end))
      this.#write(hour, row, changed.subarray(from, i))
    }
    this.#places.clear()
  }

  forget(): void {
    this.#places.clear()
  }

  /** The records that were put, once each, hour by hour. */
  #inOrder(): Uint32Array {
    const gathered = this.#gathered
    const byHour = Map.groupBy(this.#places.numbers(), number => gathered.record.hour[number]!)
    const inOrder = [...byHour]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([, numbers]) => {
        const order = orderBy(
          numbers.length,
          i => gathered.record.did[numbers[i]!]!,
          (a, b) => comparePlaces(gathered.placeOf(numbers[a]!), gathered.placeOf(numbers[b]!)),
        )
        return Array.from(order, i => numbers[i]!)
      })
    return Uint32Array.from(inOrder)
  }

  #isBelow(number: number, end: Buffer | null): boolean {
    return end === null || Buffer.compare(firstBytes(this.#gathered.placeOf(number)), end) < 0
  }

  #write(hour: number, row: Row | undefined, changed: Uint32Array): void {
    const rows = mergeRecords(row?.data ?? nothing, hour, this.#gathered, changed, this.#maxRowBytes)
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
