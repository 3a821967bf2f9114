import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Progress } from '@orrery/firehose'
// Not from the package's front door: a thread loads what it imports, and that is half a second of what it does not need.
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { createSecret } from '@orrery/hll'
import { isDiskFull, migrate, openDatabase, toStorageError } from '@orrery/storage'
import type { Sample, StoreStats, UfosReader } from '../../store.ts'
import { Batch, type Columns } from './batch.ts'
import { Cells } from './cells.ts'
import { Collections } from './collections.ts'
import { decodeDeltas, type Delta, deltasOf, encodeDeltas } from './deltas.ts'
import { type Group, groupByCollection } from './grouped.ts'
import { list, prefix, ranked, search, trending } from './queries.ts'
import { Samples } from './samples.ts'
import { migrations } from './schema.ts'
import { Tallies } from './tally.ts'
import { Windows } from './windows.ts'

export interface StoreOptions {
  folder: string
  maxCollections: number
  /** Samples that each collection keeps. */
  samplesKept: number
  /** Bytes that all samples may have together. */
  samplesBytes: number
  /** How long what was counted may be in the journal only, milliseconds. */
  foldEveryMs: number
  /** Page cache, bytes. */
  cacheBytes: number
}

/** What the store's thread does: the writer's and the reader's methods, each call one transaction or one look. */
export type StoreApi = {
  [Name in keyof UfosReader]: (...args: Parameters<UfosReader[Name]>) => Awaited<ReturnType<UfosReader[Name]>>
} & {
  /** What accounts are hashed with. */
  secret(): Uint8Array
  apply(changes: Columns, progress: Progress): void
  tidy(): boolean
  dispose(): void
}

/** The file of the store, in its folder. */
export const fileName = 'ufos.sqlite'

/** Of the journal, before it is folded into the tables in any case; bytes. */
const maxJournalBytes = 8 * 1024 * 1024

/**
 * Of the log, before they are moved to the file: 64 MB. Most of them are written again and again, those of the journal
 * above all, and moved once.
 */
const autoCheckpointPages = 16_000

/** A place before which every sample is. */
const end = { timeUs: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER }

interface StoreRow {
  secret: Buffer
  started_us: number
  seq: number
}

/** Opens the store, and takes in what the journal has. To run in a thread of its own. */
export function openStore(options: StoreOptions): StoreApi {
  const { folder, maxCollections, samplesKept, samplesBytes, foldEveryMs, cacheBytes } = options
  const file = join(folder, fileName)
  const db = openDatabase(file, { cacheBytes, autoCheckpointPages })
  migrate(db, migrations)
  createProgressTables(db)
  const saveProgress = prepareSaveProgress(db)
  db.prepare<[Uint8Array, number]>('INSERT OR IGNORE INTO store VALUES (1, ?, ?, 0)').run(
    createSecret(),
    Date.now() * 1_000,
  )
  const store = db.prepare<[], StoreRow>('SELECT secret, started_us, seq FROM store').get()!
  const saveSeq = db.prepare<[number]>('UPDATE store SET seq = ?')
  const addToJournal = db.prepare<[Uint8Array]>('INSERT INTO journal (deltas) VALUES (?)')
  const clearJournal = db.prepare('DELETE FROM journal')

  const collections = new Collections(db, maxCollections)
  const tallies = new Tallies(db)
  const cells = new Cells(db, collections, tallies)
  const samples = new Samples(db, { kept: samplesKept, maxBytes: samplesBytes })
  const windows = new Windows(db, { collections, cells, tallies })
  const parts = { collections, windows }

  let { seq } = store
  let journalBytes = 0
  let foldedAt = performance.now()
  const touched = new Set<number>()
  for (const bytes of db.prepare<[], Buffer>('SELECT deltas FROM journal ORDER BY id').pluck().all()) {
    const deltas = decodeDeltas(bytes)
    cells.apply(deltas)
    for (const { collection } of deltas) touched.add(collection)
    journalBytes += bytes.length
  }
  samples.totals.recount(touched)

  function transact(doing: string, work: () => void): void {
    try {
      db.transaction(work).immediate()
    } catch (error) {
      throw toStorageError(error, `${doing} in ${file}`, file)
    }
  }

  function apply(columns: Columns, progress: Progress): void {
    const batch = new Batch(columns)
    let groups: Group[] = []
    let deltas: Delta[] = []
    let bytes = 0
    try {
      const ids = columns.nsids.map(nsid => collections.add(nsid).id)
      groups = groupByCollection(columns, ids)
      deltas = deltasOf(columns, groups)
      const encoded = encodeDeltas(deltas)
      bytes = encoded.length
      transact('write', () => {
        collections.insertFresh()
        if (bytes > 0) addToJournal.run(encoded)
        const sampled = groups.filter(({ collection }) => collection !== collections.other.id)
        samples.write(batch, sampled, seq + 1)
        if (columns.length > 0) saveSeq.run(seq + columns.length)
        saveProgress(progress)
      })
    } catch (error) {
      collections.rollback()
      samples.rollback(groups.map(({ collection }) => collection))
      throw error
    }
    // Until V8 comes to them, several of these would be waiting.
    batch.letGo()
    collections.commit()
    seq += columns.length
    journalBytes += bytes
    cells.apply(deltas)
  }

  /** Moves what is in the journal to the tables. */
  function fold(): void {
    try {
      transact('fold the journal', () => {
        cells.write()
        clearJournal.run()
        samples.totals.write()
      })
    } catch (error) {
      tallies.forget()
      throw error
    }
    cells.written()
    samples.totals.written()
    journalBytes = 0
    foldedAt = performance.now()
  }

  function tidy(): boolean {
    const isDue =
      cells.isFull || journalBytes >= maxJournalBytes || performance.now() - foldedAt >= foldEveryMs
    if (isDue && journalBytes > 0) fold()
    if (!samples.isTidy) tidySamples()
    return !samples.isTidy
  }

  function tidySamples(): void {
    try {
      transact('remove samples', () => {
        samples.tidy(collections.endId)
        samples.totals.write()
      })
    } catch (error) {
      samples.rollback([])
      throw error
    }
    samples.totals.written()
  }

  return {
    secret: () => new Uint8Array(store.secret),
    apply,
    tidy,
    stats(): StoreStats {
      const { all, other, size } = collections
      return {
        ...windows.counts(all, undefined),
        collections: size,
        other: windows.counts(other, undefined),
        samples: samples.totals.samples,
        sampleBytes: samples.totals.bytes,
        startedAtUs: store.started_us,
        latestUs: all.lastUs === 0 ? null : all.lastUs,
        diskBytes: statSync(file).size,
      }
    },
    counts: (nsids, window) => nsids.map(nsid => windows.counts(collections.find(nsid), window)),
    list: query => list(parts, query),
    ranked: query => ranked(parts, query),
    prefix: query => prefix(parts, query),
    series({ nsid, windows: asked }) {
      const collection = nsid === undefined ? collections.all : collections.find(nsid)
      if (!collection) return asked.map(() => ({ creates: 0, updates: 0, deletes: 0, dids: 0 }))
      return windows.series(collection.id, asked)
    },
    search: query => search(parts, query),
    trending: query => trending(parts, query),
    samples({ collections: nsids, limit, before = end, maxBytes = Number.POSITIVE_INFINITY }) {
      const wanted = [...new Set(nsids)].flatMap(nsid => collections.find(nsid) ?? [])
      const own = maxBytes / wanted.length
      const pages = wanted.map(({ id, nsid }) => {
        const { items, isCut } = samples.page(id, { limit, before, maxBytes: own })
        return { items: items.map((item): Sample => Object.assign(item, { collection: nsid })), isCut }
      })
      const all = pages.flatMap(({ items }) => items).toSorted(newestFirst)
      // Behind the last of a page that was cut something is missing.
      const ends = pages.flatMap(({ items, isCut }) => (isCut ? items.slice(-1) : [])).toSorted(newestFirst)
      const [last] = ends
      return last ? all.slice(0, all.indexOf(last) + 1) : all
    },
    active(limit) {
      return collections.sorted
        .toSorted((a, b) => b.lastUs - a.lastUs)
        .slice(0, limit)
        .map(({ nsid }) => nsid)
    },
    dispose() {
      try {
        if (journalBytes > 0) fold()
      } catch (error) {
        // It is in the journal, and will be folded after the next start.
        if (!isDiskFull(error)) throw error
      } finally {
        db.close()
      }
    },
  }
}

function newestFirst(a: Sample, b: Sample): number {
  return b.timeUs - a.timeUs || b.seq - a.seq
}
