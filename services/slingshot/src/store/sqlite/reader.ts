import type { Database } from '@orrery/storage'
import { type Found, pathOf, type RecordKey, type RecordReader, type StoreStats } from '../../store.ts'

interface Row {
  status: string | null
  status_seq: number
  trusted_from: number
  all_trusted_from: number
  seq: number | null
  verified: number
  cid: string | null
  json: string | null
}

/** Reads the cache on a connection of its own; each answer is of one moment. Disposing it closes the connection. */
export class SqliteReader implements RecordReader, Disposable {
  readonly #db: Database
  readonly #get
  readonly #stats

  constructor(db: Database) {
    this.#db = db
    this.#get = db.prepare<[string, string], Row>(
      `SELECT a.status, a.status_seq, a.trusted_from, t.trusted_from AS all_trusted_from,
         r.seq, r.verified, r.cid, CAST(r.json AS TEXT) AS json
       FROM account AS a CROSS JOIN totals AS t LEFT JOIN record AS r ON r.account = a.id AND r.path = ?
       WHERE a.did = ?`,
    )
    this.#stats = db.prepare<[], StoreStats>('SELECT records, bytes, evicted FROM totals')
  }

  get(record: RecordKey): Found | undefined {
    const row = this.#get.get(pathOf(record), record.did)
    if (!row) return undefined
    const { status, cid, json } = row
    if (status !== null) {
      return row.status_seq >= row.all_trusted_from ? { kind: 'inactive', status } : undefined
    }
    if (row.seq === null || row.seq < Math.max(row.trusted_from, row.all_trusted_from)) return undefined
    if (cid === null || json === null) return { kind: 'deleted' }
    return { kind: 'record', cid, json, verified: row.verified === 1 }
  }

  stats(): StoreStats {
    return this.#stats.get()!
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
