import { hash } from 'node:crypto'
import type { Database } from '@orrery/storage'
import type { KnownVersion, RecordLink } from './versions.ts'

export interface RecordKey {
  did: string
  /** `collection/rkey`. */
  path: string
}

/** The forward index: the newest version of each record that links. */
export interface Records {
  find(key: RecordKey): KnownVersion | undefined
  /** Puts a version in the place of the one before, if there was one. */
  put(key: RecordKey, before: KnownVersion | undefined, version: KnownVersion): void
  /** Up to `limit` records of an account that link, from versions before `beforeUs`. */
  ofAccount(did: string, beforeUs: number, limit: number): { key: RecordKey; version: KnownVersion }[]
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

/** Opens the index in a database that has its table. */
export function openRecords(db: Database): Records {
  const columns = 'at_us, did, path, entries, links, base'
  const find = db.prepare<[number, string, string], Row>(
    `SELECT ${columns} FROM records WHERE key = ? AND did = ? AND path = ?`,
  )
  const insert = db.prepare(
    'INSERT INTO records (at_us, key, did, path, entries, links, base) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = db.prepare<[number]>('DELETE FROM records WHERE at_us = ?')
  const ofAccount = db.prepare<[number, number, string, number, number], Row>(
    `SELECT ${columns} FROM records WHERE key BETWEEN ? AND ? AND did = ? AND at_us < ? AND links IS NOT NULL LIMIT ?`,
  )
  const forget = db.prepare<[number]>('DELETE FROM records WHERE at_us < ?')
  const forgetEmpty = db.prepare<[number]>('DELETE FROM records WHERE links IS NULL AND at_us < ?')
  return {
    find({ did, path }) {
      const row = find.get(keyOf(did, path), did, path)
      return row && versionOf(row)
    },
    put({ did, path }, before, { atUs, entries, links, base }) {
      if (before) remove.run(before.atUs)
      insert.run(atUs, keyOf(did, path), did, path, entries, written(links), written(base))
    },
    ofAccount(did, beforeUs, limit) {
      const first = accountHash(did) * perAccount
      return ofAccount
        .all(first, first + perAccount - 1, did, beforeUs, limit)
        .map(row => ({ key: { did: row.did, path: row.path }, version: versionOf(row) }))
    },
    forget(beforeUs, emptyBeforeUs) {
      if (beforeUs > 0) forget.run(beforeUs)
      forgetEmpty.run(emptyBeforeUs)
    },
  }
}

/** A key is 26 bits of the account's hash and 26 of the record's: an account's records lie together. */
const perAccount = 2 ** 26

function accountHash(did: string): number {
  return hash26(did)
}

function keyOf(did: string, path: string): number {
  return accountHash(did) * perAccount + hash26(path)
}

function hash26(text: string): number {
  return Number.parseInt(hash('sha1', text).slice(0, 8), 16) % perAccount
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
