import { join } from 'node:path'
import type { Progress } from '@orrery/firehose'
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { migrate, openDatabase, toStorageError } from '@orrery/storage'
import { type LinkEntry, modes, sourceOf, type Stream } from '../entry.ts'
import type { Change, RecordBody, RetainBefore } from '../store.ts'
import { type BodySpan, openBodyWriter } from './bodies.ts'
import { type Pack, packEntries, unpackEntries } from './pack.ts'
import { openRecords, recordKey, type RecordKey } from './records.ts'
import { fileName, migrations } from './schema.ts'
import { tidOf } from './tid.ts'
import { type KnownVersion, nextVersion, type RecordLink } from './versions.ts'
import { compress, decompress } from './zstd.ts'

export interface WriterOptions {
  folder: string
  /** How long links are held, microseconds. */
  delayUs: number
  /** From this many entries on the tail is sealed. Default 2,048. */
  sealEntries?: number | undefined
  /** Of so many records it is written down at one go whose they are. Default 32,768. */
  runLength?: number | undefined
}

/** Entries that were undone while they were held: their places in the log, both ends included. */
export interface Span {
  firstUs: number
  lastUs: number
}

/** What the log holds when it is opened. */
export interface Opened {
  /** The newest time ever given, or of a commit; 0 before the first. */
  lastUs: number
  /** The oldest entry kept; where none is left, behind the newest that there was. 0 before the first. */
  oldestUs: number
  /** Everything up to here is sealed; 0 where nothing is. */
  sealedUs: number
  /** The newest sealed entry that each stream shows; 0 where there is none. */
  shownUs: Record<Stream, number>
  /** What is not sealed, oldest first. */
  tail: Pack[]
  undone: Span[]
  isMoreLeft: boolean
}

export interface Written {
  /** Undefined where no entry came of it. */
  pack: Pack | undefined
  undone: Span[]
  isMoreLeft: boolean
}

/** What the writer's thread serves. */
export interface WriterApi {
  opened(): Opened
  /** All entries get times from `nowUs` on, strictly rising. */
  append(changes: readonly Change[], progress: Progress | undefined, nowUs: number): Written
  /** Answers the oldest entry that is left, as `Opened` has it. */
  retain(before: RetainBefore, nowUs: number): number
}

/** Records of deleted accounts that are told as gone with one commit. */
const leavingPerCommit = 1_000

/** Times have 16 digits; a clock that was never set says 1970. */
const earliestUs = 1_000_000_000_000_000

/**
 * The one writer of the log. A commit puts entries, what their records link to now, and upstream's progress into the file
 * together. What is older than the delay is compressed to blocks now and then, without what was undone: nothing changes it
 * any more.
 */
export function openWriter(options: WriterOptions): WriterApi & { dispose(): void } {
  const { folder, delayUs, sealEntries = 2_048, runLength } = options
  const db = openDatabase(join(folder, fileName), {
    cacheBytes: 16 * 1024 * 1024,
    autoCheckpointPages: 4_000,
  })
  db.function('record_key', { deterministic: true }, recordKey as (...texts: unknown[]) => number)
  migrate(db, migrations)
  createProgressTables(db)
  const saveProgress = prepareSaveProgress(db)
  const records = openRecords(db, runLength)
  const bodies = openBodyWriter(db)
  const insertTail = db.prepare('INSERT INTO tail (last_us, entries, texts, numbers) VALUES (?, ?, ?, ?)')
  const readTail = db.prepare<[number], Pack>(
    'SELECT texts, numbers FROM tail WHERE last_us <= ? ORDER BY last_us',
  )
  const trimTail = db.prepare('DELETE FROM tail WHERE last_us <= ?')
  const insertUndone = db.prepare('INSERT INTO undone (first_us, last_us) VALUES (?, ?)')
  const readUndone = db.prepare<[number], Span>(
    'SELECT first_us AS firstUs, last_us AS lastUs FROM undone WHERE first_us <= ? ORDER BY first_us',
  )
  const trimUndone = db.prepare('DELETE FROM undone WHERE first_us <= ?')
  const insertBlock = db.prepare('INSERT INTO blocks (last_us, first_us, texts, numbers) VALUES (?, ?, ?, ?)')
  const trimBlocks = db.prepare('DELETE FROM blocks WHERE last_us < ?')
  const setClock = db.prepare(
    'INSERT INTO clock (id, last_us) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last_us = excluded.last_us',
  )
  const markLeaving = db.prepare(
    'INSERT INTO leaving (did, before_us) VALUES (?, ?) ON CONFLICT (did) DO UPDATE SET before_us = excluded.before_us',
  )
  const nextLeaving = db.prepare<[], { did: string; before_us: number }>(
    'SELECT did, before_us FROM leaving LIMIT 1',
  )
  const unmarkLeaving = db.prepare('DELETE FROM leaving WHERE did = ?')
  const valueOf = (sql: string): number => db.prepare<[], { at: number | null }>(sql).get()?.at ?? 0

  let lastUs = valueOf('SELECT last_us AS at FROM clock')
  let sealedUs = valueOf('SELECT max(last_us) AS at FROM blocks')
  const tail = db
    .prepare<[], { lastUs: number; entries: number }>(
      'SELECT last_us AS lastUs, entries FROM tail ORDER BY last_us',
    )
    .all()
  let isMoreLeft = nextLeaving.get() !== undefined

  /** Where the next entry goes. The time goes on from the last one where the clock has not moved, or back. */
  function nextUs(nowUs: number): number {
    return Math.max(nowUs, lastUs + 1, earliestUs)
  }

  interface Commit {
    nowUs: number
    entries: LinkEntry[]
    undone: Span[]
    bodies: BodySpan[]
  }

  function addVersion(
    commit: Commit,
    key: RecordKey,
    rev: string,
    links: readonly RecordLink[],
    before: KnownVersion | undefined,
    body?: RecordBody,
  ): void {
    if (!before && links.length === 0) return
    const atUs = nextUs(commit.nowUs)
    const next = nextVersion(before, links, atUs, delayUs)
    lastUs = atUs + Math.max(0, next.entries.length - 1)
    if (next.undoes && before && before.entries > 0) {
      const span = { firstUs: before.atUs, lastUs: before.atUs + before.entries - 1 }
      insertUndone.run(span.firstUs, span.lastUs)
      commit.undone.push(span)
    }
    records.put(key, before, next.known)
    // What is gone comes first, and was in another version.
    const gone = next.entries.length - links.length
    if (body && links.length > 0) commit.bodies.push({ firstUs: atUs + gone, lastUs, body })
    const { did, path } = key
    const [collection = '', rkey = ''] = path.split('/')
    for (const [i, entry] of next.entries.entries()) {
      const { path: at, target: subject } = next.links[i]!
      commit.entries.push({
        timeUs: atUs + i,
        ...entry,
        source: sourceOf(collection, at),
        did,
        rkey,
        rev,
        subject,
      })
    }
  }

  function apply(commit: Commit, change: Change): void {
    if (change.kind === 'delete_account') {
      lastUs = nextUs(commit.nowUs)
      markLeaving.run(change.did, lastUs)
      return
    }
    const key = { did: change.did, path: `${change.collection}/${change.rkey}` }
    const [links, body] = change.kind === 'put' ? [change.links, change.body] : [[], undefined]
    addVersion(commit, key, change.rev, links, records.find(key), body)
  }

  /** Tells links of deleted accounts as gone, a step at a time. Such a deletion has no rev: it gets the time's TID. */
  function tellLeaving(commit: Commit): boolean {
    let left = leavingPerCommit
    for (let account = nextLeaving.get(); account; account = nextLeaving.get()) {
      if (left <= 0) return true
      const { did, before_us } = account
      const found = records.ofAccount(did, before_us, left)
      for (const { key, version } of found.records) {
        addVersion(commit, key, tidOf({ us: nextUs(commit.nowUs), clock: 0 }), [], version)
      }
      if (found.isMoreLeft) return true
      left -= found.records.length
      unmarkLeaving.run(did)
    }
    return false
  }

  const run = db.transaction(
    (
      changes: readonly Change[],
      progress: Progress | undefined,
      nowUs: number,
    ): Commit & { pack: Pack | undefined } => {
      const commit: Commit = { nowUs, entries: [], undone: [], bodies: [] }
      for (const change of changes) apply(commit, change)
      if (isMoreLeft || changes.some(({ kind }) => kind === 'delete_account'))
        isMoreLeft = tellLeaving(commit)
      const { entries } = commit
      const pack = entries.length > 0 ? packEntries(entries) : undefined
      if (pack) {
        insertTail.run(entries.at(-1)!.timeUs, entries.length, pack.texts, pack.numbers)
      }
      bodies.put(commit.bodies)
      // What was let out by now has been, even if the system's clock is set back before the next start.
      lastUs = Math.max(lastUs, nowUs)
      setClock.run(lastUs)
      if (progress) saveProgress(progress)
      return { ...commit, pack }
    },
  )

  const seal = db.transaction((rows: number): void => {
    const throughUs = tail[rows - 1]!.lastUs
    const undone = readUndone.all(throughUs)
    const entries = readTail.all(throughUs).flatMap(pack => unpackEntries(pack))
    let at = 0
    for (const entry of entries) {
      while (at < undone.length && undone[at]!.lastUs < entry.timeUs) at++
      if (at < undone.length && undone[at]!.firstUs <= entry.timeUs) entry.delayed = modes.none
    }
    const { texts, numbers } = packEntries(entries)
    insertBlock.run(throughUs, entries[0]!.timeUs, compress(texts), compress(numbers))
    trimTail.run(throughUs)
    trimUndone.run(throughUs)
  })

  /** Seals what nothing can change any more, once there is enough of it, or all of it. */
  function sealBefore(finalUs: number, least: number): void {
    for (;;) {
      let [rows, entries] = [0, 0]
      while (rows < tail.length && tail[rows]!.lastUs < finalUs && entries < sealEntries)
        entries += tail[rows++]!.entries
      if (rows === 0 || entries < least) return
      seal.immediate(rows)
      sealedUs = tail[rows - 1]!.lastUs
      tail.splice(0, rows)
    }
  }

  function oldestUs(): number {
    const first = valueOf('SELECT first_us AS at FROM blocks ORDER BY last_us LIMIT 1')
    if (first > 0) return first
    const [row] = readTail.all(tail[0]?.lastUs ?? 0)
    if (row) return unpackEntries(row)[0]!.timeUs
    // All there was is gone: what a stream reached is not to be looked for.
    return lastUs === 0 ? 0 : lastUs + 1
  }

  function newestShown(stream: Stream): number {
    const blocks = db.prepare<[], Pack>('SELECT texts, numbers FROM blocks ORDER BY last_us DESC')
    for (const { texts, numbers } of blocks.iterate()) {
      const entries = unpackEntries({ texts: decompress(texts), numbers: decompress(numbers) })
      const shown = entries.findLast(entry => entry[stream] !== modes.none)
      if (shown) return shown.timeUs
    }
    return 0
  }

  function failing<T>(what: string, work: () => T): T {
    const clock = { lastUs, isMoreLeft }
    try {
      return work()
    } catch (error) {
      ;({ lastUs, isMoreLeft } = clock)
      throw toStorageError(error, `${what} ${db.name}`, db.name)
    }
  }

  return {
    opened: () => ({
      lastUs,
      oldestUs: oldestUs(),
      sealedUs,
      shownUs: { instant: newestShown('instant'), delayed: newestShown('delayed') },
      tail: readTail.all(Number.MAX_SAFE_INTEGER),
      undone: readUndone.all(Number.MAX_SAFE_INTEGER),
      isMoreLeft,
    }),
    append: (changes, progress, nowUs) =>
      failing('append to', () => {
        // First, so that a full disk leaves nothing half done.
        sealBefore(nowUs - delayUs, sealEntries)
        records.prepare()
        const { pack, entries, undone } = run.immediate(changes, progress, nowUs)
        records.settled()
        if (pack) tail.push({ lastUs: entries.at(-1)!.timeUs, entries: entries.length })
        return { pack, undone, isMoreLeft }
      }),
    retain: ({ logUs, recordsUs, bodiesUs }, nowUs) =>
      failing('tidy up', () => {
        const finalUs = nowUs - delayUs
        if (tail[0] && tail[0].lastUs < Math.min(logUs, finalUs)) sealBefore(finalUs, 1)
        trimBlocks.run(logUs)
        records.forget(recordsUs, finalUs)
        bodies.forget(bodiesUs)
        return oldestUs()
      }),
    dispose() {
      db.close()
    },
  }
}
