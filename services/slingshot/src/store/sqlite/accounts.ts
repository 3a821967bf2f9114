import type { Database } from '@orrery/storage'
import { LRUCache } from 'lru-cache'

export interface Account {
  id: number
  rev: string
  as_of_us: number
  status: string | null
  status_seq: number
  trusted_from: number
}

/** How many accounts are remembered over what the table has: those who write most, about 30 MB. */
const remembered = 100_000

/** The table of accounts with a memory before it: most events are of accounts that wrote lately. */
export class Accounts {
  readonly #remembered = new LRUCache<string, Account>({ max: remembered })
  readonly #changed = new Set<Account>()
  readonly #find
  readonly #add
  readonly #write

  constructor(db: Database) {
    this.#find = db.prepare<[string], Account>(
      'SELECT id, rev, as_of_us, status, status_seq, trusted_from FROM account WHERE did = ?',
    )
    this.#add = db.prepare<[string]>('INSERT INTO account (did) VALUES (?)')
    this.#write = db.prepare<[Account]>(
      `UPDATE account SET rev = @rev, as_of_us = @as_of_us, status = @status, status_seq = @status_seq,
         trusted_from = @trusted_from WHERE id = @id`,
    )
  }

  /** Added if it is not there. Whoever changes it calls `update`. */
  get(did: string): Account {
    let account = this.#remembered.get(did)
    if (!account) {
      account = this.#find.get(did) ?? {
        id: Number(this.#add.run(did).lastInsertRowid),
        rev: '',
        as_of_us: 0,
        status: null,
        status_seq: 0,
        trusted_from: 0,
      }
      this.#remembered.set(did, account)
    }
    return account
  }

  update(account: Account, change: Partial<Account>): void {
    Object.assign(account, change)
    this.#changed.add(account)
  }

  /** Writes what changed. */
  flush(): void {
    for (const account of this.#changed) this.#write.run(account)
    this.#changed.clear()
  }

  /** After a transaction that failed, nothing that is remembered is known to be so. */
  forget(): void {
    this.#remembered.clear()
    this.#changed.clear()
  }
}
