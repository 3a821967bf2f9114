import { join } from 'node:path'
import { Sketch } from '@orrery/hll'
import { createProgressTables } from '@orrery/firehose/progress'
import { migrate, openDatabase } from '@orrery/storage'
import { createRandom, type Random } from '@orrery/testnet'
import type { Counts } from '../src/store.ts'
import { cellKey, tallyKey } from '../src/store/sqlite/levels.ts'
import { migrations } from '../src/store/sqlite/schema.ts'
import { fileName } from '../src/store/sqlite/store.ts'
import { encodeTally } from '../src/store/sqlite/tally.ts'
import { hourUs, levelHours, type Level } from '../src/time.ts'

export interface YearOptions {
  folder: string
  collections: number
  /** The hour behind the last one. */
  until: number
  hours: number
}

/** The collection of a rank, from 1 on: a few groups with many, as on the network. */
export function nsidOf(rank: number): string {
  if (rank <= 60) return `app.bsky.g${rank % 7}.c${rank}`
  return `org.group${rank % 400}.app${rank % 3}.c${rank}`
}

/** Accounts of a collection in an hour, on average: 150,000 likers, 1,900 in the tenth, and one each few days in the last. */
function accountsOf(rank: number): number {
  return 150_000 / rank ** 1.9
}

/** How many times as many accounts there are in longer spans: most come again. */
const growth: Readonly<Record<Level | 'ever', number>> = {
  hour: 1,
  quarter: 3,
  day: 7,
  week: 20,
  ever: 120,
}

/**
 * Writes a year as a store would have it, collection by collection, without the events: sketches are drawn from a pool of
 * ready ones of the right size.
 */
export function writeYear({ folder, collections, until, hours }: YearOptions): {
  cells: number
  events: number
} {
  const db = openDatabase(join(folder, fileName), { cacheBytes: 256 * 1024 * 1024 })
  migrate(db, migrations)
  // Nobody minds if this file is broken by a crash.
  db.pragma('journal_mode = OFF')
  db.pragma('synchronous = OFF')
  createProgressTables(db)
  db.prepare('INSERT INTO store VALUES (1, ?, 0, 0)').run(Buffer.alloc(16, 1))
  const addCollection = db.prepare('INSERT INTO collection VALUES (?, ?, ?, ?)')
  const addCell = db.prepare('INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?)')
  const addTally = db.prepare('INSERT INTO tally VALUES (?, ?)')
  const random = createRandom(1)
  const pool = createPool(random)
  const first = until - hours
  const tallies = new Map<number, [number, Counts][]>()
  let cells = 0
  let events = 0

  const ofRank = db.transaction((rank: number) => {
    const id = rank + 1
    addCollection.run(id, nsidOf(rank), first * hourUs, until * hourUs - 1)
    const sums = new Map<string, { level: Level; number: number; creates: number }>()
    const write = (level: Level, number: number, creates: number, dids: number): void => {
      const counts = { creates, updates: creates >> 5, deletes: creates >> 5, dids }
      addCell.run(cellKey(id, level, number), creates, creates >> 5, creates >> 5, dids, pool(dids))
      const key = tallyKey(level, number)
      let tally = tallies.get(key)
      if (!tally) tallies.set(key, (tally = []))
      tally.push([id, counts])
      cells++
    }
    let all = 0
    for (let hour = first; hour < until; hour++) {
      const dids = poisson(accountsOf(rank) * (1 + 0.5 * Math.sin((hour / 24) * 2 * Math.PI)), random)
      if (dids === 0) continue
      const creates = Math.ceil(dids * (1 + random.next() * 3))
      write('hour', hour, creates, dids)
      all += creates
      for (const level of ['quarter', 'day', 'week'] as const) {
        const number = Math.floor(hour / levelHours[level])
        const sum = sums.get(`${level} ${number}`)
        if (sum) sum.creates += creates
        else sums.set(`${level} ${number}`, { level, number, creates })
      }
    }
    for (const level of ['quarter', 'day', 'week'] as const) {
      for (const sum of sums.values()) {
        if (sum.level !== level) continue
        const dids = Math.max(1, Math.min(sum.creates, Math.round(accountsOf(rank) * growth[level])))
        write(level, sum.number, sum.creates, dids)
      }
    }
    const ever = Math.max(1, Math.round(Math.min(all, accountsOf(rank) * growth.ever)))
    addCell.run(cellKey(id, 'ever', 0), all, all >> 5, all >> 5, ever, pool(ever))
    events += all + 2 * (all >> 5)
  })
  for (let rank = 1; rank <= collections; rank++) ofRank.immediate(rank)
  db.transaction(() => {
    for (const [key, rows] of tallies) addTally.run(key, encodeTally(rows))
    addCell.run(cellKey(0, 'ever', 0), events, 0, 0, 20_000_000, pool(20_000_000))
    db.prepare('UPDATE collection SET first_us = ?, last_us = ? WHERE id = 0').run(
      first * hourUs,
      until * hourUs - 1,
    )
  }).immediate()
  db.close()
  return { cells, events }
}

/** Bytes of a sketch of about so many accounts; a few of each size. */
function createPool(random: Random): (count: number) => Uint8Array {
  const made = new Map<number, Uint8Array[]>()
  return count => {
    // In steps of a tenth above a few.
    const size = count <= 16 ? count : Math.round(1.1 ** Math.round(Math.log(count) / Math.log(1.1)))
    let sketches = made.get(size)
    if (!sketches) made.set(size, (sketches = []))
    const variants = size <= 1_000 ? 200 : 12
    if (sketches.length < variants) {
      const sketch = new Sketch()
      // What is beyond some 300,000 does not change how long a sketch is, nor how long it takes to merge.
      for (let i = 0; i < Math.min(size, 300_000); i++) {
        sketch.add(random.below(2 ** 26) * 2 ** 26 + random.below(2 ** 26))
      }
      sketches.push(sketch.toBytes())
      return sketches.at(-1)!
    }
    return sketches[random.below(sketches.length)]!
  }
}

function poisson(mean: number, random: Random): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * (random.next() * 3.4 - 1.7)))
  let count = 0
  for (let left = random.next(); left > Math.exp(-mean); left *= random.next()) count++
  return count
}
