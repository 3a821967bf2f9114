import type { Batch, Progress } from '@orrery/firehose'
import { tidFromTimeUs } from '@orrery/repo'
import { setImmediate as turn } from 'node:timers/promises'
import { RecordCache } from '../src/cache/cache.ts'
import type { Answered } from '../src/fetch/fetch-record.ts'
import { openSqliteStore, type SqliteStore } from '../src/store/sqlite.ts'
import type { Change, RecordKey } from '../src/store.ts'

export type Step =
  | { do: 'write'; key: string; isDelete: boolean; secondsLater: number }
  | { do: 'ask'; key: string }
  /** The next events reach the service. */
  | { do: 'deliver'; events: number }
  /** The oldest question is answered: as of when it was asked, or as of now. */
  | { do: 'answer'; isLate: boolean; margin: number }
  /** All that the store was told is done. */
  | { do: 'wait' }
  /** All events reach the service, and all questions are answered. */
  | { do: 'settle' }
  | { do: 'restart'; loses: 'nothing' | 'the commit' | 'the news' }
  /** The next events are lost, and the service is told that there is a gap. */
  | { do: 'lose'; events: number }
  /** The next events are lost, and nobody tells: it shows at the account's next one. */
  | { do: 'mislay'; events: number }
  /** The account goes away and comes back. */
  | { do: 'away'; did: string }

interface Version {
  /** 0: never written. */
  version: number
  isDelete: boolean
}
/** What the firehose told, or would have. */
interface Told {
  change: Change
  key: string
  version: number
  isLost?: boolean
}
interface Question {
  record: RecordKey
  asked: { found: Version; timeUs: number }
  resolve: (answered: Answered) => void
}

const source = 'wss://relay'

/**
 * A PDS whose every version is numbered, a firehose that lags behind it, and a cache over a real store in between; and
 * what of all that the service has acknowledged.
 */
export class History {
  readonly tooOld: string[] = []
  answers = 0
  overtaken = 0
  readonly #folder: string
  #store: SqliteStore
  #cache: RecordCache
  #isCurrent = true
  /** Until this event is taken in, the service is not believed to be current. */
  #caughtUpAt = 0
  #timeUs = 1_700_000_000_000_000
  #versions = 0
  readonly #truth = new Map<string, Version>()
  readonly #deletes = new Map<string, number[]>()
  readonly #acknowledged = new Map<string, number>()
  readonly #log: Told[] = []
  #delivered = 0
  #questions: Question[] = []
  #applying: Promise<void> = Promise.resolve()
  #life = 0
  readonly #asking = new Set<Promise<void>>()

  private constructor(folder: string, store: SqliteStore) {
    this.#folder = folder
    this.#store = store
    this.#cache = this.#newCache()
  }

  static async open(folder: string): Promise<History> {
    return new History(folder, await openStore(folder))
  }

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case 'write':
        return this.#write(step.key, step.isDelete, step.secondsLater)
      case 'ask':
        return this.#ask(step.key)
      case 'deliver':
        return this.#deliver(step.events)
      case 'answer':
        return this.#answer(step.isLate, step.margin)
      case 'wait':
        await this.#applying
        // Calls of the store are answered in their order.
        await this.#store.writer.tidy()
        await turn()
        return
      case 'settle':
        return this.#settle()
      case 'lose':
        return this.#lose(step.events)
      case 'mislay':
        for (const told of this.#log.slice(this.#delivered, this.#delivered + step.events)) {
          told.isLost = told.key !== ''
        }
        return
      case 'away':
        this.#log.push({
          change: { kind: 'account', did: `did:plc:${step.did}`, status: 'deactivated' },
          key: '',
          version: 0,
        })
        this.#log.push({
          change: { kind: 'account', did: `did:plc:${step.did}`, status: null },
          key: '',
          version: 0,
        })
        return
      case 'restart':
        return this.#restart(step.loses)
    }
  }

  /** Lets all that is under way end. */
  async finish(): Promise<void> {
    await this.#settle()
    for (const key of this.#truth.keys()) this.#ask(key)
    while (this.#asking.size > 0) {
      this.#answer(true, 0)
      await turn()
    }
  }

  async #settle(): Promise<void> {
    this.#deliver(this.#log.length)
    while (this.#asking.size > 0) {
      this.#answer(true, 0)
      await turn()
    }
    await this.#applying
  }

  async close(): Promise<void> {
    await this.#applying
    this.overtaken += this.#cache.stats.overtaken
    await this.#store[Symbol.asyncDispose]()
  }

  #write(key: string, isDelete: boolean, secondsLater: number): void {
    this.#timeUs += secondsLater * 1_000_000 + 1_000
    const version = ++this.#versions
    const rev = tidFromTimeUs(this.#timeUs, 0)
    this.#truth.set(key, { version, isDelete })
    if (isDelete) this.#deletes.set(key, [...(this.#deletes.get(key) ?? []), version])
    const record = recordOf(key)
    const change: Change = isDelete
      ? { kind: 'delete', record, rev }
      : { kind: 'put', record, rev, value: valueOf(version) }
    this.#log.push({ change, key, version })
  }

  #ask(key: string): void {
    const life = this.#life
    const atLeast = this.#acknowledged.get(key) ?? 0
    const asking = this.#cache.get(recordOf(key)).then(
      answer => {
        if (life !== this.#life || answer.kind === 'inactive') return
        this.answers++
        const version =
          answer.kind === 'record'
            ? (JSON.parse(answer.body) as { value: { version: number } }).value.version
            : answer.kind === 'refused'
              ? Number(answer.message)
              : // Any delete that was since then will do.
                Math.max(-1, ...(this.#deletes.get(key) ?? []).filter(deleted => deleted >= atLeast))
        if (version < atLeast) this.tooOld.push(`${key}: ${answer.kind} ${version} after ${atLeast}`)
        if (answer.kind !== 'deleted') this.#acknowledge(key, version)
      },
      () => {},
    )
    this.#asking.add(asking)
    void asking.finally(() => this.#asking.delete(asking))
  }

  #acknowledge(key: string, version: number): void {
    this.#acknowledged.set(key, Math.max(version, this.#acknowledged.get(key) ?? 0))
  }

  #deliver(count: number): void {
    const first = this.#delivered
    const events = this.#log.slice(first, first + count)
    this.#delivered += events.length
    if (events.length === 0) return
    const changes: Change[] = []
    const told: Told[] = []
    for (const [i, event] of events.entries()) {
      if (event.isLost) continue
      const lost = this.#lostBefore(first + i)
      if (lost.length > 0) changes.push({ kind: 'sync', did: recordOf(event.key).did })
      changes.push(event.change)
      told.push(...lost, event)
    }
    this.#apply(changes, told)
  }

  /** What of an account was lost since the commit before this one, which tells that there was something. */
  #lostBefore(at: number): Told[] {
    const { key } = this.#log[at]!
    const [did] = key.split('/')
    const before = this.#log.slice(0, at).filter(told => key !== '' && told.key.startsWith(`${did}/`))
    return before.slice(before.findLastIndex(({ isLost }) => !isLost) + 1)
  }

  #lose(count: number): void {
    this.#delivered = Math.min(this.#log.length, this.#delivered + count)
    this.#apply([{ kind: 'gap' }], [])
  }

  /** One after the other, as the service does. */
  #apply(changes: Change[], events: { key: string; version: number }[]): void {
    const { progress } = batchUpTo(this.#delivered)
    const cursor = this.#delivered
    const life = this.#life
    const before = this.#applying
    this.#applying = (async () => {
      await before
      if (life !== this.#life) return
      await this.#cache.apply(changes, progress)
      if (life !== this.#life) return
      for (const { key, version } of events) if (key !== '') this.#acknowledge(key, version)
      if (cursor >= this.#caughtUpAt) this.#isCurrent = true
    })()
  }

  #answer(isLate: boolean, margin: number): void {
    const question = this.#questions.shift()
    if (!question) return
    const { record, asked } = question
    const found = isLate ? this.#now(record) : asked.found
    const timeUs = (isLate ? this.#timeUs : asked.timeUs) + margin * 1_000_000
    const value = found.isDelete || found.version === 0 ? null : valueOf(found.version)
    question.resolve({
      value,
      asOfUs: timeUs,
      refusal: { error: 'RecordNotFound', message: `${found.version}` },
    })
  }

  #now(record: RecordKey): Version {
    return this.#truth.get(keyOf(record)) ?? { version: 0, isDelete: true }
  }

  async #restart(loses: 'nothing' | 'the commit' | 'the news'): Promise<void> {
    if (loses === 'the news') this.#life++
    else if (loses === 'nothing') await this.#applying
    // What was not begun is lost; what was may be in the store or not.
    this.#life++
    await this.#store[Symbol.asyncDispose]()
    await this.#applying.catch(() => {})
    this.overtaken += this.#cache.stats.overtaken
    this.#questions = []
    this.#asking.clear()
    this.#store = await openStore(this.#folder)
    this.#cache = this.#newCache()
    this.#delivered = this.#store.progress.cursor(source)?.cursor ?? 0
    this.#caughtUpAt = this.#log.length
    this.#isCurrent = this.#delivered >= this.#caughtUpAt
    this.#applying = Promise.resolve()
  }

  #newCache(): RecordCache {
    const isCurrent = (): boolean => this.#isCurrent
    return new RecordCache({
      reader: this.#store.reader,
      writer: this.#store.writer,
      trust: {
        get isCurrent() {
          return isCurrent()
        },
        look() {},
      },
      refusalOf: () => undefined,
      fetchRecord: record =>
        new Promise(resolve => {
          this.#questions.push({ record, asked: { found: this.#now(record), timeUs: this.#timeUs }, resolve })
        }),
      memoryBytes: 2_000,
      maxLagMs: 0,
      refusalMs: 60_000,
      timeoutMs: 60_000,
    })
  }
}

function openStore(folder: string): Promise<SqliteStore> {
  return openSqliteStore({
    folder,
    budgetBytes: 1_000_000,
    onFailure: error => {
      throw error
    },
  })
}

function batchUpTo(cursor: number): Pick<Batch, 'progress'> {
  const progress: Progress = {
    cursors: [{ source, cursor, time: '', seen: [] }],
    accounts: [],
    notices: [],
    gaps: [],
  }
  return { progress }
}

function recordOf(key: string): RecordKey {
  const [did, rkey] = key.split('/') as [string, string]
  return { did: `did:plc:${did}`, collection: 'app.test.note', rkey }
}

function keyOf({ did, rkey }: RecordKey): string {
  return `${did.slice('did:plc:'.length)}/${rkey}`
}

function valueOf(version: number) {
  return { cid: `bafy${version}`, json: Buffer.from(`{"version":${version}}`), verified: false }
}
