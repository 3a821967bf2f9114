import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { RowsAhead } from './rows-ahead.ts'
import { prepareSchema } from './schema.ts'
import { prepareFindStretch } from './stretches.ts'

/** An hour's rows: empty first bytes, then some that rise. */
const rows = fc.uniqueArray(fc.tuple(fc.nat(4), fc.nat(255)), {
  maxLength: 300,
  selector: ([hour, first]) => hour * 256 + first,
})
const places = fc.array(fc.tuple(fc.nat(5), fc.nat(255)), { maxLength: 300 })

it('finds the rows that a look-up finds, and where the next ones begin, however far apart', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const db = openDatabase(join(folder, 'rows.sqlite'))
  stack.defer(() => void db.close())
  prepareSchema(db)
  const insert = db.prepare('INSERT INTO list (hour, first, data) VALUES (?, ?, ?)')
  const update = db.prepare('UPDATE list SET data = ? WHERE hour = ? AND first = ?')
  const find = prepareFindStretch(db, 'list')
  const ahead = new RowsAhead(db, 'list')
  const inOrder = (all: readonly [number, number][]) => all.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])

  fc.assert(
    fc.property(rows, places, fc.boolean(), (kept, asked, isDense) => {
      db.exec('DELETE FROM list')
      for (const [hour, first] of kept)
        insert.run(hour, bytesOf(first), Buffer.alloc(first % 7, `${hour}/${first}`))
      ahead.begin()
      for (const [hour, place] of inOrder(isDense ? kept.concat(asked) : asked)) {
        const row = ahead.at(hour, bytesOf(place))
        const expected = find(hour, bytesOf(place))
        const next = inOrder(kept).find(([inHour, first]) => inHour === hour && first > place)
        expect(row && { hour, first: row.first, data: row.data }).toEqual(expected)
        expect(row?.next).toEqual(row && next && bytesOf(next[1]))
        // What was asked for may change: nothing more of it is asked for.
        if (row && place % 3 === 0) update.run(row.data, hour, row.first)
      }
    }),
  )
})

/** First bytes; those of the first row of an hour are empty. */
function bytesOf(first: number): Buffer {
  return first === 0 ? Buffer.alloc(0) : Buffer.alloc(1 + (first % 3), first)
}
