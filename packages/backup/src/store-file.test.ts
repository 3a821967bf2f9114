import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@orrery/storage'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FileView, StoreFile } from './store-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-pages-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const checkpoints = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'] as const

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write'),
      rows: fc.integer({ min: 1, max: 60 }),
      at: fc.nat(400),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), at: fc.nat(400) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('checkpoint'), how: fc.constantFrom(...checkpoints) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hold') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('look') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vacuum') }) },
)

it('a view is what SQLite itself had at its beginning, whatever is written, moved and begun anew since', () => {
  let runs = 0
  const property = fc.property(
    fc.constantFrom(1024, 4096, 65_536),
    fc.array(step, { maxLength: 60 }),
    (pageSize, steps) => {
      const path = join(folder, `${runs++}.sqlite`)
      const db = openDatabase(path, { pageSize, busyTimeoutMs: 0, autoCheckpointPages: 0 })
      db.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, content BLOB)')
      using file = new StoreFile(path)
      let held: { view: FileView; bytes: Buffer } | undefined
      const isSame = (): boolean => !held || bytesOf(held.view).equals(held.bytes)
      const wereSame = steps.map(each => {
        if (each.kind === 'hold') {
          file.release()
          held = { view: file.hold(), bytes: db.serialize() }
        } else if (each.kind !== 'look') run(db, each)
        return each.kind !== 'look' || isSame()
      })
      const isSameAtLast = isSame()
      file.release()
      db.close()
      return isSameAtLast && !wereSame.includes(false)
    },
  )
  expect(() => fc.assert(property, { numRuns: 150 })).not.toThrow()
}, 60_000)

function run(db: Database, each: { kind: string; rows?: number; at?: number; how?: string }): void {
  switch (each.kind) {
    case 'write': {
      const put = db.prepare('INSERT OR REPLACE INTO item (id, content) VALUES (?, randomblob(700))')
      db.transaction(() => {
        for (let i = 0; i < each.rows!; i++) put.run(each.at! + i)
      })()
      return
    }
    case 'delete':
      db.prepare('DELETE FROM item WHERE id > ?').run(each.at!)
      return
    case 'checkpoint':
      // Where the view is in its way, it does less.
      db.pragma(`wal_checkpoint(${each.how!})`)
      return
    default:
      db.exec('VACUUM')
  }
}

function bytesOf(view: FileView): Buffer {
  const { pages, pageSize } = view
  const bytes = Buffer.alloc(pages * pageSize)
  // In pieces of three, as pieces do not end where pages of the log do.
  for (let page = 0; page < pages; page += 3) {
    view.read(page, bytes.subarray(page * pageSize, Math.min(pages, page + 3) * pageSize))
  }
  return bytes
}

it('the log is moved into the file when the view ends, not with the writer’s next commit', () => {
  const path = join(folder, 'a.sqlite')
  const db = openDatabase(path)
  db.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, content BLOB)')
  using file = new StoreFile(path)
  file.hold()
  const put = db.prepare('INSERT INTO item (content) VALUES (randomblob(3000))')
  for (let i = 0; i < 3; i++) {
    db.transaction(() => {
      for (let j = 0; j < 1_000; j++) put.run()
    })()
  }
  const left = (): number => {
    const [{ log, checkpointed }] = db.pragma('wal_checkpoint(NOOP)') as [
      { log: number; checkpointed: number },
    ]
    return log - checkpointed
  }
  expect(left()).toBeGreaterThan(3_000)
  file.release()
  expect(left()).toBe(0)
  db.close()
})
