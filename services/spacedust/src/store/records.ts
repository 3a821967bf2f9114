import { hash } from 'node:crypto'
import type { Database } from '@orrery/storage'
import { openAccountRecords } from './account-records.ts'
import { tidParts } from './tid.ts'
import type { KnownVersion, RecordLink } from './versions.ts'

export interface RecordKey {
  did: string
  /** `collection/rkey`. */
  path: string
}

export interface KnownRecord {
  key: RecordKey
  version: KnownVersion
}

/** The forward index: the newest version of each record that links. All but `prepare` belongs into a transaction. */
export interface Records {
  /** To be called before each transaction that puts: what the one before put is taken back where it was not `settled`. */
  prepare(): void
  /** The transaction was committed. */
  settled(): void
  find(key: RecordKey): KnownVersion | undefined
  /** Puts a version in the place of the one before, if there was one. */
  put(key: RecordKey, before: KnownVersion | undefined, version: KnownVersion): void
  /**
   * Up to `limit` records of an account that link, from versions before `beforeUs`, and whether to ask again. Each is
   * answered once: put a version in its place.
   */
  ofAccount(did: string, beforeUs: number, limit: number): { records: KnownRecord[]; isMoreLeft: boolean }
  /** Forgets versions from before `beforeUs`, and those without links from before `emptyBeforeUs`. */
  forget(beforeUs: number, emptyBeforeUs: number): void
}

interface Row {
  at_us: number
  did: string
  path: string
  entries: number
  links: string | null
  base: string | null
}

/** Opens the index in a database that has its tables. `runLength`: a seam for tests, see {@link openAccountRecords}. */
export function openRecords(db: Database, runLength?: number): Records {
  const columns = 'at_us, did, path, entries, links, base'
  const find = db.prepare<[number, string, string], Row>(
    `SELECT ${columns} FROM records WHERE key = ? AND did = ? AND path = ?`,
  )
  const insert = db.prepare(
    'INSERT INTO records (at_us, key, did, path, entries, links, base) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = db.prepare<[number]>('DELETE FROM records WHERE at_us = ?')
  const linking = db.prepare<[number, string], Row>(
    `SELECT ${columns} FROM records WHERE at_us = ? AND did = ? AND links IS NOT NULL`,
  )
  const forget = db.prepare<[number]>('DELETE FROM records WHERE at_us < ?')
  const forgetEmpty = db.prepare<[number]>('DELETE FROM records WHERE links IS NULL AND at_us < ?')
  const accounts = openAccountRecords(db, runLength)
  let asked: RecordKey | undefined
  let place = 0

  /** What is looked for is put next, as a rule. */
  function placeOf(key: RecordKey): number {
    if (key !== asked) {
      place = recordKey(key.did, key.path)
      asked = key
    }
    return place
  }

  return {
    prepare: () => accounts.flush(),
    settled: () => accounts.settle(),
    find(key) {
      const row = find.get(placeOf(key), key.did, key.path)
      return row && versionOf(row)
    },
    put(key, before, { atUs, entries, links, base }) {
      const { did, path } = key
      if (before) remove.run(before.atUs)
      insert.run(atUs, placeOf(key), did, path, entries, written(links), written(base))
      if (links.length > 0) accounts.add(did, atUs)
    },
    ofAccount(did, beforeUs, limit) {
      const found: KnownRecord[] = []
      const look = (atUs: number): void => {
        const row = linking.get(atUs, did)
        if (row) found.push({ key: { did, path: row.path }, version: versionOf(row) })
      }
      const taken = accounts.take(did, beforeUs, limit)
      for (const atUs of taken) look(atUs)
      if (taken.length === limit) return { records: found, isMoreLeft: true }
      for (const atUs of accounts.gatheredOf(did, beforeUs)) {
        if (found.length >= limit) return { records: found, isMoreLeft: true }
        look(atUs)
      }
      return { records: found, isMoreLeft: false }
    },
    forget(beforeUs, emptyBeforeUs) {
      if (beforeUs > 0) {
        forget.run(beforeUs)
        accounts.forget(beforeUs)
      }
      forgetEmpty.run(emptyBeforeUs)
    },
  }
}

/** A time is told in 65 ms, of which each has so many keys. */
const unitUs = 2 ** 16
const perUnit = 2 ** 17

/**
 * Where a record lies in the index; others may lie there too. Keys of records are TIDs, nearly all, and so what comes
 * together lies together: a commit changes a few pages, where with keys in no order it was a page for each record. Other
 * keys are below 0, by a hash.
 */
export function recordKey(did: string, path: string): number {
  const hashed = Number.parseInt(hash('sha1', `${did}/${path}`).slice(0, 13), 16)
  const tid = tidParts(path.slice(path.indexOf('/') + 1))
  return tid ? Math.floor(tid.us / unitUs) * perUnit + (hashed % perUnit) : -1 - hashed
}

function versionOf({ at_us, entries, links, base }: Row): KnownVersion {
  return { atUs: at_us, entries, links: read(links), base: read(base) }
}

/** Paths and targets by turns. */
function written(links: readonly RecordLink[]): string | null {
  return links.length === 0 ? null : JSON.stringify(links.flatMap(({ path, target }) => [path, target]))
}

function read(text: string | null): RecordLink[] {
  if (text === null) return []
  const parts = JSON.parse(text) as string[]
  return Array.from({ length: parts.length / 2 }, (_, i) => ({
    path: parts[i * 2]!,
    target: parts[i * 2 + 1]!,
  }))
}
