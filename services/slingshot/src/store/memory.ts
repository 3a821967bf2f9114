import { tidToTimeUs } from '@orrery/repo'
import {
  type Change,
  type Fetched,
  type Found,
  pathOf,
  type RecordKey,
  type RecordReader,
  type RecordValue,
  type RecordWriter,
  sizeOf,
  type StoreStats,
} from '../store.ts'

interface Account {
  rev: string
  asOfUs: number
  status: string | null
  statusSeq: number
  trustedFrom: number
}

/** Null: it was deleted. */
interface Entry {
  seq: number
  size: number
  value: RecordValue | null
}

/** The cache in the fewest words: what each record and account is, and in what order it came. */
export class MemoryStore implements RecordWriter, RecordReader {
  readonly #budgetBytes: number
  readonly #accounts = new Map<string, Account>()
  readonly #entries = new Map<string, Entry>()
  #seq = 0
  #trustedFrom = 0
  #bytes = 0
  #evicted = 0

  constructor({ budgetBytes = Number.POSITIVE_INFINITY }: { budgetBytes?: number } = {}) {
    this.#budgetBytes = budgetBytes
  }

  apply(changes: readonly Change[]): Promise<void> {
    for (const change of changes) this.#applyOne(change)
    this.#evict()
    return Promise.resolve()
  }

  putFetched(fetched: readonly Fetched[]): Promise<void> {
    for (const { record, value, asOfUs } of fetched) {
      const account = this.#account(record.did)
      account.asOfUs = Math.max(account.asOfUs, asOfUs)
      if (account.status !== null) continue
      if (value) this.#put(record, value)
      else this.#remove(record)
    }
    this.#evict()
    return Promise.resolve()
  }

  tidy(): Promise<boolean> {
    return Promise.resolve(false)
  }

  get(record: RecordKey): Found | undefined {
    const account = this.#accounts.get(record.did)
    if (!account) return undefined
    const { status, statusSeq } = account
    if (status !== null) return statusSeq >= this.#trustedFrom ? { kind: 'inactive', status } : undefined
    const entry = this.#entries.get(keyOf(record))
    if (!entry || entry.seq < Math.max(this.#trustedFrom, account.trustedFrom)) return undefined
    if (!entry.value) return { kind: 'deleted' }
    return { kind: 'record', ...entry.value, json: Buffer.from(entry.value.json).toString() }
  }

  stats(): StoreStats {
    return { records: this.#entries.size, bytes: this.#bytes, evicted: this.#evicted }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }

  #applyOne(change: Change): void {
    if (change.kind === 'gap') {
      this.#trustedFrom = ++this.#seq
      return
    }
    const did = 'record' in change ? change.record.did : change.did
    const account = this.#account(did)
    switch (change.kind) {
      case 'account':
        if (account.status !== null && change.status === null) account.trustedFrom = ++this.#seq
        account.status = change.status
        account.statusSeq = ++this.#seq
        return
      case 'delete_account':
        account.status = 'deleted'
        account.statusSeq = ++this.#seq
        account.trustedFrom = ++this.#seq
        for (const key of this.#entries.keys()) if (key.startsWith(`${did}/`)) this.#removeKey(key)
        return
      case 'sync':
        account.trustedFrom = ++this.#seq
        return
      case 'put':
      case 'delete':
      case 'forget':
        if (change.rev < account.rev) return
        account.rev = change.rev
        this.#applyToRecord(change, tidToTimeUs(change.rev) <= account.asOfUs)
    }
  }

  #applyToRecord(change: Extract<Change, { record: RecordKey }>, mayBeOld: boolean): void {
    const { record } = change
    const entry = this.#entries.get(keyOf(record))
    const isThere =
      (change.kind === 'put' && entry?.value?.cid === change.value.cid) ||
      (change.kind === 'delete' && entry?.value === null)
    if (change.kind === 'forget' || (mayBeOld && !isThere)) this.#remove(record)
    else this.#put(record, change.kind === 'put' ? change.value : null)
  }

  #put(record: RecordKey, value: RecordValue | null): void {
    this.#remove(record)
    const size = sizeOf(record, value)
    this.#entries.set(keyOf(record), { seq: ++this.#seq, size, value })
    this.#bytes += size
  }

  #remove(record: RecordKey): void {
    this.#removeKey(keyOf(record))
  }

  #removeKey(key: string): void {
    this.#bytes -= this.#entries.get(key)?.size ?? 0
    this.#entries.delete(key)
  }

  /** A map has its entries in the order in which they came, which is that of `seq`. */
  #evict(): void {
    for (const key of this.#entries.keys()) {
      if (this.#bytes <= this.#budgetBytes) return
      this.#removeKey(key)
      this.#evicted++
    }
  }

  #account(did: string): Account {
    let account = this.#accounts.get(did)
    if (!account) {
      account = { rev: '', asOfUs: 0, status: null, statusSeq: 0, trustedFrom: 0 }
      this.#accounts.set(did, account)
    }
    return account
  }
}

function keyOf(record: RecordKey): string {
  return `${record.did}/${pathOf(record)}`
}
