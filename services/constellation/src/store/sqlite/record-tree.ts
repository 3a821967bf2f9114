import type { Database } from '@orrery/storage'
import type { Gathered, LinkRange } from './gathered.ts'
import { PlaceIndex } from './place-index.ts'
import { comparePlaces, firstBytes, type Place, placeOfBytes } from './places.ts'
import { findLinks, type KeptLink, mergeRecords, RecordReader } from './records.ts'
import { orderBy } from './sorted.ts'
import { prepareFindStretch, Stretches } from './stretches.ts'

/** A record as it is in the index. */
export interface KeptRecord {
  place: Place
  links: readonly KeptLink[]
}

/**
 * What records link to, as it is written. What a batch puts is kept until `flush`, which goes through it in the order of the
 * rows, so that each is read and written once.
 */
export class RecordTree {
  readonly #gathered: Gathered
  readonly #places: PlaceIndex
  readonly #maxRowBytes: number
  readonly #rows: Stretches
  readonly #find: ReturnType<typeof prepareFindStretch>

  constructor(db: Database, gathered: Gathered, maxRowBytes: number) {
    this.#gathered = gathered
    this.#places = new PlaceIndex(gathered)
    this.#maxRowBytes = maxRowBytes
    this.#rows = new Stretches(db, 'record')
    this.#find = prepareFindStretch(db, 'record')
  }

  /** The links of a record, gathered if they were not; undefined where it has none. */
  find(place: Place): LinkRange | undefined {
    const gathered = this.#gathered
    const number = this.#places.find(place)
    if (number !== undefined) {
      const count = gathered.record.links[number]!
      return count > 0 ? { from: gathered.record.firstLink[number]!, count } : undefined
    }
    const row = this.#find(place.hour, firstBytes(place))
    const links = row && findLinks(row.data, place)
    return links && gathered.addKept(links)
  }

  /** Sets the links of a record, and when it came; without links it is gone. */
  put(place: Place, time: number, links: LinkRange): void {
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
      let row = this.#rows.find(hour, firstBytes(start))
      while (row?.hour === hour && Buffer.compare(row.first, end) < 0) {
        const reader = new RecordReader(row.data, hour)
        while (reader.next() && reader.did <= did) {
          const { collection, tid, text, links } = reader
          if (reader.did === did) records.push({ place: { hour, did, collection, tid, text }, links })
        }
        row = this.#rows.next(row)
      }
      yield { hour, records }
      const next = this.#rows.nextHour(hour)
      if (!next) return
      hour = next.hour
    }
  }

  /** Writes what was put, and forgets it. */
  flush(): void {
    const gathered = this.#gathered
    const { did } = gathered.record
    const hourOf = (number: number): number => gathered.hourOfRecord(number)
    const changes = orderBy(this.#places.numbers(), [hourOf, number => did[number]!], (a, b) =>
      comparePlaces(gathered.placeOf(a), gathered.placeOf(b)),
    )
    this.#rows.merge(changes, {
      hourOf,
      firstOf: number => firstBytes(gathered.placeOf(number)),
      below(ofHour, first) {
        const end = placeOfBytes(ofHour, first)
        return number => did[number]! < end.did || comparePlaces(gathered.placeOf(number), end) < 0
      },
      merge: (row, ofHour, some) => mergeRecords(row, ofHour, gathered, some, this.#maxRowBytes),
    })
    this.#places.clear()
  }

  forget(): void {
    this.#places.clear()
  }
}
