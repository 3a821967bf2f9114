import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '@orrery/storage'
import { waitFor } from '@orrery/testnet'
import { ListReader, type ListRow } from '../src/store/sqlite/list-reader.ts'
import { ListRowReader } from '../src/store/sqlite/list-rows.ts'
import { Names } from '../src/store/sqlite/names.ts'
import { rkeyOf } from '../src/store/sqlite/places.ts'
import { type KeptLink, RecordReader } from '../src/store/sqlite/records.ts'
import { type Dictionary, placeOfKey, sourceOf, targetOf } from '../src/store/sqlite/targets.ts'
import { fileName } from '../src/store/sqlite/writer.ts'

/** Everything in an index, in an order of its own. */
export interface Contents {
  /** `target source records dids entry entry …` for each list, its entries sorted. */
  lists: string[]
  /** `did/collection/rkey: link link …` for each record. */
  records: string[]
  /** The totals that are kept, and those of a recount. */
  totals: { links: number; records: number; dids: number }
  recounted: { links: number; records: number; dids: number }
}

/** Reads an index whole, beside its writer. */
export function readContents(folder: string): Contents {
  const db = openDatabase(join(folder, fileName), { readonly: true })
  try {
    return db.transaction(() => {
      const names: Dictionary = {
        dids: new Names(db, 'did'),
        collections: new Names(db, 'collection'),
        sources: new Names(db, 'source'),
        texts: new Names(db, 'text'),
      }
      const reader = new ListReader(db)
      const lists = db
        .prepare<[], { hour: number; data: Buffer }>('SELECT hour, data FROM list')
        .all()
        .flatMap(({ hour, data }) => listsOf(data, hour))
      const entries = lists.map(list => [...reader.up(list, 0)])
      const records = db
        .prepare<[], { hour: number; data: Buffer }>('SELECT hour, data FROM record')
        .all()
        .flatMap(({ hour, data }) => recordsOf(data, hour))
      return {
        lists: lists
          .map((list, i) => {
            const own = entries[i]!.map(({ did, rkey }) => `${names.dids.name(did)}/${rkey}`).toSorted()
            const of = sourceOf(list.source, names)
            return `${targetOf(list, names)} ${of.collection}${of.path} ${list.records} ${list.dids} ${own.join(' ')}`
          })
          .toSorted(),
        records: records
          .map(({ did, collection, rkey, links }) => {
            const targets = links.map(
              link => `${sourceOf(link.source, names).path}=${targetOf(placeOfKey(link.target), names)}`,
            )
            return `${names.dids.name(did)}/${names.collections.name(collection)}/${rkey}: ${targets.join(' ')}`
          })
          .toSorted(),
        totals: db.prepare<[], Contents['totals']>('SELECT links, records, dids FROM totals').get()!,
        recounted: {
          links: entries.flat().length,
          records: records.length,
          dids: new Set(entries.flat().map(({ did }) => did)).size,
        },
      }
    })()
  } finally {
    db.close()
  }
}

function listsOf(row: Buffer, hour: number): ListRow[] {
  const lists: ListRow[] = []
  const reader = new ListRowReader(row, hour)
  while (reader.next()) {
    const { did, collection, tid, text, source, records, dids, slots, long, run } = reader
    lists.push({ hour, did, collection, tid, text, source, records, dids, slots, long, run })
  }
  return lists
}

function recordsOf(row: Buffer, hour: number) {
  const records: { did: number; collection: number; rkey: string; links: KeptLink[] }[] = []
  const reader = new RecordReader(row, hour)
  while (reader.next()) {
    const { did, collection, links } = reader
    records.push({ did, collection, rkey: rkeyOf(reader), links })
  }
  return records
}

/** How far an index has come in its source; undefined before the first commit. */
export function cursorOf(folder: string): number | undefined {
  const db = openDatabase(join(folder, fileName), { readonly: true })
  try {
    return db.prepare<[], { cursor: number }>('SELECT cursor FROM upstream_cursors').get()?.cursor
  } finally {
    db.close()
  }
}

/** Waits until indexes of one source have taken in its last event, which has this number. */
export async function untilAt(folders: readonly string[], seq: number): Promise<void> {
  await waitFor(() => folders.every(folder => cursorOf(folder) === seq), {
    timeoutMs: 60_000,
    everyMs: 50,
    what: `all indexes at ${seq}, the end of the stream`,
  })
}

/** Waits until indexes of one source have all taken in its last event: as far as each other, and no further for a while. */
export async function untilSettled(folders: readonly string[]): Promise<void> {
  let before = -1
  await waitFor(
    async () => {
      const cursors = folders.map(folder => cursorOf(folder) ?? -2)
      const isEnd = cursors.every(cursor => cursor === before)
      before = cursors[0]!
      if (!isEnd) await sleep(500)
      return isEnd
    },
    { timeoutMs: 60_000, what: 'all indexes at the end of the stream' },
  )
}
