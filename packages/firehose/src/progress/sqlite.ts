import type { Database } from '@orrery/storage'
import type { AccountChange, AccountState, CursorChange, Gap, Progress } from '../events.ts'
import type { ProgressStore } from './store.ts'

/** How long fingerprints are kept, milliseconds: as long as the relays' replay windows (72 h) and a margin. */
const noticeMs = 96 * 3_600_000

const tables = `
  CREATE TABLE IF NOT EXISTS upstream_cursors (
    source TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL,
    time TEXT NOT NULL,
    seen TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS upstream_accounts (
    did TEXT PRIMARY KEY,
    rev TEXT NOT NULL,
    data TEXT NOT NULL,
    active INTEGER NOT NULL,
    status TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS upstream_journal (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    accounts TEXT NOT NULL
  ) STRICT;

  CREATE TABLE IF NOT EXISTS upstream_notices (
    fingerprint TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS upstream_notices_by_age ON upstream_notices (seen_at);

  CREATE TABLE IF NOT EXISTS upstream_gaps (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    from_time TEXT NOT NULL,
    to_time TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
`

/** Makes the tables that `saveProgress` writes, in the database of the service's own data. Safe to call at each start. */
export function createProgressTables(db: Database): void {
  db.exec(tables)
}

/**
 * Prepares the writing of progress. Call what it answers inside the transaction that stores a batch's events: that is
 * the whole of the promise that a crash neither loses nor doubles anything.
 */
export function prepareSaveProgress(db: Database): (progress: Progress) => void {
  const cursor = db.prepare(
    `INSERT INTO upstream_cursors (source, cursor, time, seen) VALUES (?, ?, ?, ?)
     ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, time = excluded.time, seen = excluded.seen`,
  )
  const account = db.prepare(
    `INSERT INTO upstream_accounts (did, rev, data, active, status) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (did) DO UPDATE SET
       rev = excluded.rev, data = excluded.data, active = excluded.active, status = excluded.status`,
  )
  const journal = db.prepare('INSERT INTO upstream_journal (generation, accounts) VALUES (?, ?)')
  const trimJournal = db.prepare('DELETE FROM upstream_journal WHERE generation <= ?')
  const notice = db.prepare('INSERT OR IGNORE INTO upstream_notices (fingerprint, seen_at) VALUES (?, ?)')
  // A few a time, so that no single transaction pays for a quiet week.
  const forget = db.prepare(
    `DELETE FROM upstream_notices WHERE fingerprint IN
       (SELECT fingerprint FROM upstream_notices WHERE seen_at < ? ORDER BY seen_at LIMIT 100)`,
  )
  const gap = db.prepare('INSERT INTO upstream_gaps (source, from_time, to_time, reason) VALUES (?, ?, ?, ?)')
  return progress => {
    for (const change of progress.cursors) {
      cursor.run(change.source, change.cursor, change.time, JSON.stringify(change.seen))
    }
    const { accounts, settling } = progress
    if (settling && accounts.length > 0) journal.run(settling.generation, JSON.stringify(accounts))
    for (const { did, rev, data, active, status } of settling?.accounts ?? accounts) {
      account.run(did, rev, data, active ? 1 : 0, status ?? null)
    }
    if (settling?.done !== undefined) trimJournal.run(settling.done)
    for (const { fingerprint, seenAt } of progress.notices) {
      notice.run(fingerprint, seenAt)
      forget.run(seenAt - noticeMs)
    }
    for (const { source, from, to, reason } of progress.gaps) gap.run(source, from, to, reason)
  }
}

/** Reads progress on a connection of the caller's, usually a read-only one beside the writer's thread. */
export function prepareReadProgress(db: Database): ProgressStore & { gaps(limit: number): Gap[] } {
  const cursor = db.prepare<[string], Omit<CursorChange, 'seen'> & { seen: string }>(
    'SELECT source, cursor, time, seen FROM upstream_cursors WHERE source = ?',
  )
  const account = db.prepare<[string], { rev: string; data: string; active: number; status: string | null }>(
    'SELECT rev, data, active, status FROM upstream_accounts WHERE did = ?',
  )
  const journal = db.prepare<[], { generation: number; accounts: string }>(
    'SELECT generation, accounts FROM upstream_journal ORDER BY id',
  )
  const notice = db.prepare<[string], { found: number }>(
    'SELECT 1 AS found FROM upstream_notices WHERE fingerprint = ?',
  )
  const gaps = db.prepare<[number], Gap>(
    `SELECT source, from_time AS "from", to_time AS "to", reason FROM upstream_gaps ORDER BY id DESC LIMIT ?`,
  )
  return {
    cursor(source): CursorChange | undefined {
      const row = cursor.get(source)
      return row && { ...row, seen: JSON.parse(row.seen) as string[] }
    },
    account(did): AccountState | undefined {
      const row = account.get(did)
      return (
        row && { rev: row.rev, data: row.data, active: row.active === 1, status: row.status ?? undefined }
      )
    },
    journal() {
      const rows = journal.all()
      return {
        generation: rows.at(-1)?.generation ?? 0,
        accounts: rows.flatMap(row => (JSON.parse(row.accounts) as Journalled[]).map(fromJournal)),
      }
    },
    noticed: fingerprint => notice.get(fingerprint) !== undefined,
    gaps: limit => gaps.all(limit),
  }
}

/** JSON leaves out what is undefined. */
type Journalled = Omit<AccountChange, 'status'> & { status?: string }

function fromJournal({ did, rev, data, active, status }: Journalled): AccountChange {
  return { did, rev, data, active, status }
}
