import type { Database } from '@orrery/storage'
import { LRUCache } from 'lru-cache'
import {
  type Change,
  type Fetched,
  type Found,
  pathOf,
  type RecordKey,
  type RecordReader,
  type StoreStats,
} from '../../store.ts'

interface Account {
  id: number
  status: string | null
  status_seq: number
  trusted_from: number
}

interface Row {
  seq: number
  verified: number
  cid: string | null
  json: string | null
}

/** How many accounts are remembered: those who are asked for most, about 5 MB. */
const remembered = 20_000

/** Of whom nothing is here, those who are asked for most: whoever asks for much that is not here asks for little more. */
const rememberedAbsent = 5_000

/**
 * Reads the cache on a connection of its own. Accounts are remembered, as a record by its account's number is a quarter of
 * the work; so whoever changes the cache says what changed. Disposing it closes the connection.
 */
export class SqliteReader implements RecordReader, Disposable {
  readonly #db: Database
  readonly #getAccount
  readonly #getRecord
  readonly #getTrusted
  readonly #stats
  readonly #begin
  readonly #end
  readonly #accounts = new LRUCache<string, Account>({ max: remembered })
  readonly #absent = new LRUCache<string, true>({ max: rememberedAbsent })
  /** What is of all accounts. */
  #trustedFrom: number | undefined
  /** Ends the transaction that reads of one turn of the event loop share. */
  #ending: NodeJS.Immediate | undefined

  constructor(db: Database) {
    this.#db = db
    this.#getAccount = db.prepare<[string], Account>(
      'SELECT id, status, status_seq, trusted_from FROM account WHERE did = ?',
    )
    this.#getRecord = db.prepare<[number, string], Row>(
      'SELECT seq, verified, cid, CAST(json AS TEXT) AS json FROM record WHERE account = ? AND path = ?',
    )
    this.#getTrusted = db.prepare<[], { trusted_from: number }>('SELECT trusted_from FROM totals')
    this.#stats = db.prepare<[], StoreStats>('SELECT records, bytes, evicted FROM totals')
    this.#begin = db.prepare('BEGIN')
    this.#end = db.prepare('COMMIT')
  }

  get(record: RecordKey): Found | undefined {
    if (this.#absent.get(record.did)) return undefined
    this.#share()
    const account = this.#account(record.did)
    if (!account) return undefined
    const { id, status, status_seq, trusted_from } = account
    const trustedFrom = (this.#trustedFrom ??= this.#getTrusted.get()!.trusted_from)
    if (status !== null) return status_seq >= trustedFrom ? { kind: 'inactive', status } : undefined
    const row = this.#getRecord.get(id, pathOf(record))
    if (!row || row.seq < Math.max(trusted_from, trustedFrom)) return undefined
    const { cid, json, verified } = row
    if (cid === null || json === null) return { kind: 'deleted' }
    return { kind: 'record', cid, json, verified: verified === 1 }
  }

  /**
   * Forgets what changes have made old. To be called when they are committed, before anybody is told so: until then what
   * was true before them may be answered.
   */
  changed(changes: readonly Change[]): void {
    this.#unshare()
    for (const change of changes) {
      if (change.kind === 'gap') {
        this.#trustedFrom = undefined
        continue
      }
      const isOfRecord = 'record' in change
      const did = isOfRecord ? change.record.did : change.did
      this.#absent.delete(did)
      // What happens to a record changes nothing of its account that is asked for here.
      if (!isOfRecord) this.#accounts.delete(did)
    }
  }

  /** The same for what was fetched. */
  fetched(fetched: readonly Fetched[]): void {
    this.#unshare()
    for (const { record } of fetched) this.#absent.delete(record.did)
  }

  stats(): StoreStats {
    return this.#stats.get()!
  }

  [Symbol.dispose](): void {
    this.#unshare()
    this.#db.close()
  }

  /** Beginning and ending is half of what a read costs. Nothing is shared longer, as the writer could not tidy up its log. */
  #share(): void {
    if (this.#ending) return
    this.#begin.run()
    this.#ending = setImmediate(() => this.#unshare())
  }

  #unshare(): void {
    if (!this.#ending) return
    clearImmediate(this.#ending)
    this.#ending = undefined
    this.#end.run()
  }

  #account(did: string): Account | undefined {
    let account = this.#accounts.get(did)
    if (!account) {
      account = this.#getAccount.get(did)
      if (account) this.#accounts.set(did, account)
      else this.#absent.set(did, true)
    }
    return account
  }
}
