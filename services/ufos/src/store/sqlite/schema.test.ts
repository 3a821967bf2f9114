import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sketch } from '@orrery/hll'
import { migrate, openDatabase } from '@orrery/storage'
import { expect, it } from 'vitest'
import { levelHours } from '../../time.ts'
import { create, startHour, tell, timeOf } from '../testing/helpers.ts'
import { openHere } from '../testing/tested-sqlite.ts'
import { levelNumbers } from './levels.ts'
import { migrations } from './schema.ts'
import { fileName } from './store.ts'
import { encodeTally } from './tally.ts'

const hour = startHour + 5
const counts = { creates: 3, updates: 2, deletes: 1, dids: 2 }

/** A store as the first version wrote it: one collection, in which something happened in one hour. */
function writeFirstVersion(folder: string): void {
  const db = openDatabase(join(folder, fileName))
  migrate(db, migrations.slice(0, 1))
  db.prepare('INSERT INTO store VALUES (1, ?, 7, 9)').run(Buffer.alloc(16, 7))
  db.prepare("INSERT INTO collection VALUES (2, 'a.a.a', ?, ?)").run(timeOf(5), timeOf(5))
  db.prepare('UPDATE collection SET first_us = ?, last_us = ? WHERE id = 0').run(timeOf(5), timeOf(5))
  const sketch = new Sketch()
  sketch.add(1)
  sketch.add(2)
  const { creates, updates, deletes, dids } = counts
  const addCell = db.prepare('INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  for (const level of ['hour', 'quarter', 'day', 'week', 'ever'] as const) {
    const number = level === 'ever' ? 0 : Math.floor(hour / levelHours[level])
    for (const collection of [0, 2]) {
      addCell.run(collection, levelNumbers[level], number, creates, updates, deletes, dids, sketch.toBytes())
    }
    if (level === 'ever') continue
    const tally = encodeTally([
      [0, counts],
      [2, counts],
    ])
    db.prepare('INSERT INTO tally VALUES (?, ?, ?)').run(levelNumbers[level], number, tally)
  }
  db.prepare("INSERT INTO sample VALUES (2, ?, 8, 1, 'did:plc:1', 'x', 'rev', 'bafy', 0, ?)").run(
    timeOf(5),
    Buffer.from('{"text":"old"}'),
  )
  db.close()
}

it('takes over what the first version wrote', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ufos-schema-'))
  try {
    writeFirstVersion(folder)
    await using store = openHere(folder)
    const { reader } = store
    const windows = [
      { since: hour, until: hour + 1 },
      { since: startHour, until: startHour + 24 },
      { since: hour - 3, until: hour + 200 },
    ]
    for (const window of [undefined, ...windows]) {
      expect(await reader.counts(['a.a.a'], window)).toEqual([counts])
      expect(await reader.ranked({ window, limit: 9, order: 'dids' })).toMatchObject([counts])
    }
    for (const nsid of ['a.a.a', undefined]) {
      expect(await reader.series({ nsid, windows: windows.slice(0, 1) })).toEqual([counts])
    }
    expect(await reader.stats()).toMatchObject({ ...counts, samples: 1, sampleBytes: 214 })
    await store.apply([create('a.a.a', 5, { hour: 6 })])
    await store.tidy()
    expect(await reader.counts(['a.a.a'], windows[1])).toEqual([{ ...counts, creates: 4, dids: 3 }])
    expect(tell(await reader.samples({ collections: ['a.a.a'], limit: 9 }))).toEqual(['5:x', '1:old'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
