import type { Progress } from '@orrery/firehose'
import { createFlights } from '@orrery/identity'
import { HttpError, serviceUnavailable } from '@orrery/server'
import { isDiskFull } from '@orrery/storage'
import type { Answered, FetchRecord } from '../fetch/fetch-record.ts'
import type { Refusal } from '../fetch/hosts.ts'
import { gatewayTimeout } from '../fetch/upstream-error.ts'
import {
  type Change,
  type Found,
  pathOf,
  type RecordKey,
  type RecordReader,
  type RecordWriter,
} from '../store.ts'
import { type Flight, FlightBoard } from './flights.ts'
import { MemoryTier, type Remembered } from './memory-tier.ts'
import type { Trust } from './trust.ts'

export interface CacheOptions {
  reader: RecordReader
  writer: RecordWriter
  trust: Trust
  fetchRecord: FetchRecord
  /** Why an account's PDS would not be asked now, where that is known without asking anybody. */
  refusalOf: (did: string) => Refusal | undefined
  /** Of the memory tier. */
  memoryBytes: number
  /** How far behind the network the cache may be and still be believed, milliseconds. */
  maxLagMs: number
  /** How long one request waits in all, milliseconds. */
  timeoutMs: number
  /** How long a PDS's refusal is repeated without asking, milliseconds. */
  refusalMs: number
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined
}

/** A record as it is answered: `body` is the whole of `{uri,cid,value}`. */
export interface CachedRecord {
  kind: 'record'
  body: string
  /** Of the body in UTF-8. */
  bytes: number
  cid: string
  verified: boolean
}

/** What can be said of a record. */
export type Answer =
  | CachedRecord
  | { kind: 'deleted' }
  | { kind: 'inactive'; status: string }
  | { kind: 'refused'; error: string; message: string }

export interface CacheStats {
  memoryHits: number
  diskHits: number
  misses: number
  /** Misses that waited for a question under way. */
  joined: number
  /** Misses that were refused, as the PDS is left alone. */
  refused: number
  /** Questions of which the answer came too late. */
  overtaken: number
}

/** A record that changes faster than it can be asked for. */
const maxTries = 4

/** The records of the network: what is known here, and what PDSes say where it is not. */
export class RecordCache {
  readonly stats: CacheStats = {
    memoryHits: 0,
    diskHits: 0,
    misses: 0,
    joined: 0,
    refused: 0,
    overtaken: 0,
  }
  readonly #options: CacheOptions
  readonly #memory: MemoryTier
  readonly #board = new FlightBoard()
  readonly #flights = createFlights<Answer | undefined>()
  readonly #now: () => number

  constructor(options: CacheOptions) {
    this.#options = options
    this.#memory = new MemoryTier(options.memoryBytes)
    this.#now = options.now ?? Date.now
  }

  /** Entries and bytes in memory, questions under way. */
  gauges(): { entries: number; bytes: number; underway: number } {
    return { ...this.#memory.stats(), underway: this.#board.size }
  }

  /**
   * What can be said at once; undefined where a PDS has to be asked.
   *
   * @param key of the record, where it is known already
   */
  peek(record: RecordKey, key = keyOf(record)): Answer | undefined {
    const { trust, reader } = this.#options
    const remembered = this.#recall(key)
    if (remembered) return remembered
    const found = reader.get(record)
    if (!found || (!trust.isCurrent && found.kind !== 'inactive')) return undefined
    this.stats.diskHits++
    if (found.kind === 'inactive') return found
    return this.#remember(key, toRemembered(record, found))
  }

  /** Why a record that is not known would not be asked for now. */
  refusal(record: RecordKey): Refusal | undefined {
    const refusal = this.#options.refusalOf(record.did)
    // To join a question costs nothing.
    if (!refusal || this.#flights.has(keyOf(record))) return undefined
    this.stats.refused++
    return refusal
  }

  /**
   * What can be said of a record, asking its PDS where need be; those who ask for one at the same time share the question.
   *
   * @throws HttpError where that failed
   */
  async get(record: RecordKey): Promise<Answer> {
    for (let tries = 0; tries < maxTries; tries++) {
      const known = this.peek(record)
      if (known) return known
      const key = keyOf(record)
      if (tries === 0) this.stats[this.#flights.has(key) ? 'joined' : 'misses']++
      const answer = await inTime(
        this.#flights.run(key, () => this.#ask(record)),
        this.#options.timeoutMs,
      )
      if (answer) return answer
    }
    throw serviceUnavailable('The record changes while its server is being asked for it', 1)
  }

  /** @throws HttpError 400 where the account's records may not be served */
  expectActive(record: RecordKey): void {
    const found = this.#options.reader.get(record)
    if (found?.kind === 'inactive') throw inactiveError(found.status)
  }

  /**
   * Takes in what happened. Nothing of before is answered once this resolves, nor kept from an answer that is under way.
   *
   * @throws StorageError `full`: nothing was taken in, and the same may be tried again
   */
  async apply(changes: readonly Change[], progress: Progress): Promise<void> {
    const releases = changes.flatMap(change => this.#overtake(change))
    await this.#options.writer.apply(changes, progress)
    for (const change of changes) this.#drop(change)
    for (const release of releases) release()
  }

  /** Undefined: something happened meanwhile, and is in the store now. */
  async #ask(record: RecordKey): Promise<Answer | undefined> {
    const flight = this.#board.open(record)
    try {
      const asked = this.#options.fetchRecord(record)
      // When it is overtaken, nobody is interested any more in how it ends.
      asked.catch(() => {})
      const answered = await Promise.race([asked, flight.overtaken])
      if (!answered) return undefined
      if (!flight.isOvertaken) return await this.#keep(record, answered, flight)
      await flight.overtaken
      return undefined
    } finally {
      if (flight.isOvertaken) this.stats.overtaken++
      this.#board.close(flight)
    }
  }

  async #keep(
    record: RecordKey,
    { value, asOfUs, refusal }: Answered,
    flight: Flight,
  ): Promise<Answer | undefined> {
    const askedAt = this.#now()
    const until = askedAt + this.#options.refusalMs
    const remembered: Remembered = value
      ? toRemembered(record, { kind: 'record', ...value, json: textOf(value.json) }, askedAt)
      : { kind: 'refused', ...refusal, until, askedAt }
    if (asOfUs === undefined) return this.#remember(keyOf(record), remembered)
    try {
      await this.#options.writer.putFetched([{ record, value, asOfUs }])
    } catch (error) {
      if (!isDiskFull(error)) throw error
      // It is true, and cannot be kept.
      return remembered
    }
    if (!flight.isOvertaken) return this.#remember(keyOf(record), remembered)
    await flight.overtaken
    return undefined
  }

  #recall(key: string): Remembered | undefined {
    const { trust, maxLagMs } = this.#options
    const remembered = this.#memory.get(key)
    if (remembered) {
      if (remembered.kind === 'refused' && remembered.until <= this.#now()) this.#memory.drop(key)
      else if (trust.isCurrent || this.#now() - remembered.askedAt < maxLagMs) {
        this.stats.memoryHits++
        return remembered
      }
    }
    return undefined
  }

  #remember<T extends Remembered>(key: string, entry: T): T {
    this.#memory.set(key, entry)
    return entry
  }

  #overtake(change: Change): (() => void)[] {
    if (change.kind === 'gap') return this.#board.overtakeAll()
    if ('record' in change) {
      const key = keyOf(change.record)
      return this.#board.overtake(change.record.did, record => keyOf(record) === key)
    }
    return this.#board.overtake(change.did, () => true)
  }

  #drop(change: Change): void {
    if (change.kind === 'gap') this.#memory.clear()
    else if ('record' in change) this.#memory.drop(keyOf(change.record))
    else this.#memory.dropAccount(change.did)
  }
}

/** @throws HttpError 504 */
async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  // A little later than the question itself, whose error says more.
  const timer = setTimeout(
    () => reject(gatewayTimeout('The record could not be had in time')),
    timeoutMs + 100,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** @throws HttpError 400 for everything but a record */
export function expectRecord(answer: Answer): CachedRecord {
  switch (answer.kind) {
    case 'record':
      return answer
    case 'deleted':
      throw new HttpError(400, 'RecordNotFound', 'This record was deleted')
    case 'refused':
      throw new HttpError(400, answer.error, answer.message)
    case 'inactive':
      throw inactiveError(answer.status)
  }
}

const inactiveErrors: Readonly<Record<string, string>> = {
  deactivated: 'RepoDeactivated',
  takendown: 'RepoTakendown',
  suspended: 'RepoSuspended',
  deleted: 'RepoNotFound',
}

/** 400: why nothing of an account is served. */
export function inactiveError(status: string): HttpError {
  return new HttpError(400, inactiveErrors[status] ?? 'RepoInactive', `The account is not active: ${status}`)
}

export function keyOf(record: RecordKey): string {
  return `${record.did}/${pathOf(record)}`
}

function toRemembered(
  record: RecordKey,
  found: Exclude<Found, { kind: 'inactive' }>,
  askedAt = 0,
): Remembered {
  if (found.kind === 'deleted') return { kind: 'deleted', askedAt }
  const { cid, verified } = found
  // Text, because a body of text goes out in one piece with its header.
  const body = bodyOf(record, found)
  return { kind: 'record', body, bytes: Buffer.byteLength(body), cid, verified, askedAt }
}

/** None of these holds anything that JSON would have to escape. */
function bodyOf(record: RecordKey, { cid, json }: { cid: string; json: string }): string {
  return `{"uri":"at://${keyOf(record)}","cid":"${cid}","value":${json}}`
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}
