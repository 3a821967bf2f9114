import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@orrery/storage'
import { expect, it } from 'vitest'
import { likers, likes, noProgress, put, startMs, subject } from '../testing/test-index.ts'
import { packed } from './batch.ts'
import { Names, type NameTable } from './names.ts'
import { SqliteReader } from './reader.ts'
import { prepareSchema } from './schema.ts'
import { fileName, openWriter } from './writer.ts'

const tables: readonly NameTable[] = ['did', 'collection', 'source', 'text']

function largestBucket(db: Database, table: NameTable): number {
  return db
    .prepare<[], number>(`SELECT max(n) FROM (SELECT count(*) AS n FROM ${table} GROUP BY hash)`)
    .pluck()
    .get()!
}

it('gives texts that were chosen to lie together hashes of their own', () => {
  const db = openDatabase(':memory:')
  prepareSchema(db)
  const dids = new Names(db, 'did')
  // A stranger may link to any DIDs, whether they exist or not: here all with the same first bytes.
  const same = Array.from({ length: 5_000 }, (_, i) => {
    const digits = Array.from({ length: 4 }, (_unused, at) => 'abcdefghij'[Math.floor(i / 10 ** at) % 10])
    return `did:plc:${'a'.repeat(20)}${digits.join('')}`
  })
  const ids = same.map(did => dids.number(did))
  expect(new Set(ids).size).toBe(same.length)
  expect(same.map(did => new Names(db, 'did').find(did)).slice(0, 10)).toEqual(ids.slice(0, 10))
  // Of five thousand in 2^32, two may meet.
  expect(largestBucket(db, 'did')).toBeLessThanOrEqual(2)

  // Pairs that a hash which everybody can compute, FNV-1a, makes one of.
  const texts = new Names(db, 'text')
  for (const text of ['costarring', 'liquid', 'declinate', 'macallums', 'altarage', 'zinke'])
    texts.number(text)
  expect(largestBucket(db, 'text')).toBe(1)
  db.close()
})

it('keeps an index whose hashes had no key, every name with its number', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const links = [subject, 'https://a.example/', 'did:web:a.example', 'did:plc:short']
  const change = put('a1', links)
  const fill = (): void => {
    const writer = openWriter({ folder, cacheBytes: 1024 * 1024 })
    writer.apply(packed([change]), noProgress, startMs)
    writer.dispose()
  }
  fill()
  const db = openDatabase(join(folder, fileName))
  stack.defer(() => void db.close())
  const namesOf = (table: NameTable): unknown[] => db.prepare(`SELECT id, name FROM ${table}`).all()
  const before = tables.map(namesOf)
  for (const table of tables) db.exec(`UPDATE ${table} SET hash = 7`)
  db.exec('DROP TABLE name_key; PRAGMA user_version = 2')

  fill()
  expect(tables.map(namesOf)).toEqual(before)
  using reader = new SqliteReader(openDatabase(join(folder, fileName), { readonly: true }))
  const keys = links.map(target => ({ target, source: likes }))
  expect(await reader.counts([likers, ...keys])).toEqual(
    Array.from({ length: 5 }, () => ({ records: 1, distinct: 1 })),
  )
})
