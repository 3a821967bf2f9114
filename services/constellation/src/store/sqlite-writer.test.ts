import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, StorageError } from '@orrery/storage'
import { expect, it } from 'vitest'
import type { Change } from '../store.ts'
import { packed } from './sqlite/batch.ts'
import { SqliteReader } from './sqlite/reader.ts'
import { fileName, openWriter } from './sqlite/writer.ts'
import { drop, likers, noProgress, put, startMs } from './testing/test-index.ts'

it('loses what was gathered with whatever fails, says so once, and begins anew', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const thread = openWriter({ folder, cacheBytes: 1024 * 1024 })
  stack.defer(() => thread.dispose())
  const reader = stack.use(new SqliteReader(openDatabase(join(folder, fileName), { readonly: true })))
  const counts = async (): Promise<number> => {
    reader.release()
    return (await reader.counts([likers]))[0]!.records
  }
  const writer = {
    gather: (changes: readonly Change[]) => thread.gather(packed(changes), startMs),
    apply: (changes: readonly Change[]) => thread.apply(packed(changes), noProgress, startMs),
  }
  writer.apply([put('a1'), put('a2'), put('z1')])
  const broken = put('b1', [], { rev: 'no TID' })
  writer.gather([put('b1')])
  expect(() => writer.apply([put('b2'), broken])).toThrow(StorageError)
  expect(await counts()).toBe(3)
  writer.apply([put('c1')])
  expect(await counts()).toBe(4)
  expect(() => writer.gather([put('d1'), broken])).toThrow(StorageError)
  writer.apply([drop('z')])
  expect(await counts()).toBe(3)
})

it('turns an index of the format before away, with what to do', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const db = openDatabase(join(folder, fileName))
  db.pragma('user_version = 1')
  db.close()
  expect(() => openWriter({ folder, cacheBytes: 1024 * 1024 })).toThrow(
    /before the first release.*start again/,
  )
})
