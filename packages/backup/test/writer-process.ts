// A store that is written to, in a process of its own: as a service has it, with what its rows must come to in the same
// transaction. Its upstream's cursor is the number of its last event.
import { join } from 'node:path'
import { type Database, openDatabase } from '@orrery/storage'
import { serveProcess } from '@orrery/testnet'

export type WriterApi = typeof api

export interface Pauses {
  events: number
  commits: number
  /** The longest time from one commit's beginning to its end, milliseconds. */
  longestMs: number
  p99Ms: number
}

const rowBytes = 200
let db: Database
let events = 0
let seed = 1
let timer: NodeJS.Timeout | undefined
let commits: number[] = []

/** What a row holds is made from its number and version, so that anybody can tell what must be there. */
function contentOf(id: number, version: number): Buffer {
  const out = Buffer.alloc(rowBytes)
  let state = (id * 2_654_435_761 + version * 40_503) >>> 0
  for (let i = 0; i < rowBytes; i += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    // Half of it repeats, as what services keep does.
    out.writeUInt32LE(i % 8 === 0 ? state : id, i)
  }
  return out
}

function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((seed / 0x1_0000_0000) * below)
}

function apply(count: number, insertShare: number): void {
  const put = db.prepare(`INSERT INTO item (id, version, content) VALUES (?, 0, ?)`)
  const read = db.prepare<[number], { version: number }>('SELECT version FROM item WHERE id = ?')
  const update = db.prepare('UPDATE item SET version = ?, content = ? WHERE id = ?')
  const total = db.prepare('UPDATE total SET items = items + ?, versions = versions + ?')
  const cursor = db.prepare('UPDATE upstream_cursors SET cursor = ?')
  const size = db.prepare<[], { items: number }>('SELECT items FROM total')
  const startedAt = performance.now()
  db.transaction(() => {
    let items = size.get()!.items
    const before = items
    let versions = 0
    for (let i = 0; i < count; i++) {
      if (random(1_000) < insertShare * 1_000 || items === 0) put.run(++items, contentOf(items, 0))
      else {
        const id = 1 + random(items)
        const version = read.get(id)!.version + 1
        update.run(version, contentOf(id, version), id)
        versions++
      }
    }
    events += count
    total.run(items - before, versions)
    cursor.run(events)
  }).immediate()
  commits.push(performance.now() - startedAt)
}

const api = {
  open({ folder, file = 'store.sqlite' }: { folder: string; file?: string }): void {
    db = openDatabase(join(folder, file))
    db.pragma('user_version = 3')
    db.exec(`
      CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS total (items INTEGER NOT NULL, versions INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS upstream_cursors
        (source TEXT PRIMARY KEY, cursor INTEGER NOT NULL, time TEXT NOT NULL, seen TEXT NOT NULL) STRICT;
      INSERT INTO total SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM total);
      INSERT OR IGNORE INTO upstream_cursors VALUES ('wss://user:secret@relay.example', 0, '', '[]');
    `)
    events = db.prepare('SELECT cursor FROM upstream_cursors').pluck().get() as number
  },
  /** So many events at once. */
  write({ count, insertShare = 1 }: { count: number; insertShare?: number }): void {
    for (let left = count; left > 0; left -= 5_000) apply(Math.min(5_000, left), insertShare)
  },
  /** Many rows at once, until the file has so many bytes. */
  fill(bytes: number): void {
    const put = db.prepare('INSERT INTO item (id, version, content) VALUES (?, 0, ?)')
    const before = db.prepare('SELECT items FROM total').pluck().get() as number
    const perPage = Math.floor(4_096 / (rowBytes + 10))
    const rows = Math.floor(bytes / 4_096) * perPage
    db.pragma('wal_autocheckpoint = 20000')
    const putSome = db.transaction((from: number, to: number) => {
      for (let id = from; id <= to; id++) put.run(id, contentOf(id, 0))
    })
    for (let at = before; at < rows; at += 100_000) putSome(at + 1, Math.min(rows, at + 100_000))
    db.prepare('UPDATE total SET items = items + ?').run(Math.max(0, rows - before))
    db.pragma('wal_checkpoint(TRUNCATE)')
    db.pragma('wal_autocheckpoint = 1000')
  },
  /** Rewrites so large a share of the pages, wherever they lie: one row of each. */
  touch(share: number): number {
    const items = db.prepare('SELECT items FROM total').pluck().get() as number
    const perPage = Math.floor(4_096 / (rowBytes + 10))
    const pages = Math.floor(items / perPage)
    const chosen = new Set<number>()
    while (chosen.size < pages * share) chosen.add(random(pages))
    const update = db.prepare('UPDATE item SET version = version + 1, content = ? WHERE id = ?')
    const read = db.prepare<[number], { version: number }>('SELECT version FROM item WHERE id = ?')
    db.transaction(() => {
      for (const page of chosen) {
        const id = 1 + page * perPage
        update.run(contentOf(id, read.get(id)!.version + 1), id)
      }
      db.prepare('UPDATE total SET versions = versions + ?').run(chosen.size)
    })()
    return chosen.size
  },
  /** So many events a second from now on, in commits of 20 milliseconds; 0 ends it. Tells how that went before. */
  live({ perSecond, insertShare = 0.5 }: { perSecond: number; insertShare?: number }): Pauses {
    clearInterval(timer)
    const sorted = commits.toSorted((a, b) => a - b)
    const pauses = {
      events,
      commits: sorted.length,
      longestMs: sorted.at(-1) ?? 0,
      p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    }
    commits = []
    if (perSecond > 0) timer = setInterval(() => apply(Math.ceil(perSecond / 50), insertShare), 20)
    return pauses
  },
  close(): void {
    clearInterval(timer)
    db.close()
  },
}

/** What is wrong with a store that `api` wrote, none when nothing is; and the cursor that it stands at. */
export function recount(path: string): {
  problems: string[]
  cursor: number
  items: number
  versions: number
} {
  const store = openDatabase(path, { readonly: true })
  try {
    const problems: string[] = []
    let items = 0
    let versions = 0
    const rows = store
      .prepare<[], { id: number; version: number; content: Buffer }>(
        'SELECT id, version, content FROM item ORDER BY id',
      )
      .iterate()
    for (const { id, version, content } of rows) {
      if (id !== ++items) problems.push(`item ${id} is number ${items}`)
      versions += version
      if (!content.equals(contentOf(id, version))) problems.push(`item ${id} is not its version ${version}`)
    }
    const total = store.prepare('SELECT items, versions FROM total').get() as {
      items: number
      versions: number
    }
    if (total.items !== items) problems.push(`${items} items, where ${total.items} were counted`)
    if (total.versions !== versions)
      problems.push(`${versions} versions, where ${total.versions} were counted`)
    const cursor = store.prepare('SELECT cursor FROM upstream_cursors').pluck().get() as number
    return { problems, cursor, items, versions }
  } finally {
    store.close()
  }
}

if (process.send) serveProcess(api)
