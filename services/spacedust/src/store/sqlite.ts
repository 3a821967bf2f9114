import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose/progress'
import type { Progress } from '@orrery/firehose'
import { lazyThread, openDatabase, startThread, type StorageError, type Thread } from '@orrery/storage'
import { LogClock } from '../clock.ts'
import type { LinkEntry } from '../entry.ts'
import type { Appended, Change, LinkLog, RecordBody, RetainBefore } from '../store.ts'
import { HeldEntries, takeOut } from './held.ts'
import { type Pack, unpackEntries } from './pack.ts'
import type { ReaderApi } from './reader.ts'
import { fileName } from './schema.ts'
import { StreamLog } from './stream-log.ts'
import type { Opened, WriterApi, WriterOptions } from './writer.ts'

export interface SqliteLinkLogOptions {
  folder: string
  /** How long links are held, milliseconds. */
  delayMs: number
  /** Memory for the newest links of each stream, bytes. */
  recentBytes: number
  /** Called when a thread of the log dies: own state is broken, and the process must stop. */
  onFailure: (error: StorageError) => void
  /** Milliseconds since 1970. Default: a clock that runs beside the system's, and never back. */
  now?: (() => number) | undefined
  /** Seam: seal smaller blocks. */
  sealEntries?: number | undefined
  /** Seam: shorter runs of whose records are where. */
  runLength?: number | undefined
}

/** The log on disk, with what was saved of upstream's progress. */
export interface SqliteLinkLog extends LinkLog {
  readonly progress: ReturnType<typeof prepareReadProgress>
}

/** Entries of a block that go out together when they were held; small enough to frame at one go. */
const releasedTogether = 1_024

/** Opens the log in a folder, which is created: a writer in its own thread, a reader in another, the newest links in memory. */
export async function openSqliteLinkLog(options: SqliteLinkLogOptions): Promise<SqliteLinkLog> {
  const { folder, delayMs, sealEntries, runLength, onFailure } = options
  await using cleanUp = new AsyncDisposableStack()
  const writer = cleanUp.use(
    await startThread<WriterApi>(new URL('./writer-thread.ts', import.meta.url), {
      name: 'link-writer',
      workerData: { folder, delayUs: delayMs * 1000, sealEntries, runLength } satisfies WriterOptions,
      onFailure,
    }),
  )
  // Live subscribers are served from memory.
  const reader = cleanUp.use(
    lazyThread<ReaderApi>(new URL('./reader-thread.ts', import.meta.url), {
      name: 'link-reader',
      workerData: folder,
      onFailure,
    }),
  )
  const db = openDatabase(join(folder, fileName), { readonly: true, cacheBytes: 2 * 1024 * 1024 })
  cleanUp.defer(() => {
    db.close()
  })
  const opened = await writer.call('opened')
  return new SqliteLog(options, opened, { writer, reader }, prepareReadProgress(db), cleanUp.move())
}

interface Threads {
  writer: Thread<WriterApi>
  reader: Thread<ReaderApi>
}

class SqliteLog implements SqliteLinkLog {
  readonly progress: ReturnType<typeof prepareReadProgress>
  readonly instant: StreamLog
  readonly delayed: StreamLog
  #held: HeldEntries
  #oldestUs: number
  #now: () => number
  #threads: Threads
  #owned: AsyncDisposableStack
  /** The time of the append under way: what it brings may undo all that was held then. */
  #appendingUs: number | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    options: SqliteLinkLogOptions,
    { lastUs, oldestUs, sealedUs, shownUs, tail, undone }: Opened,
    threads: Threads,
    progress: ReturnType<typeof prepareReadProgress>,
    owned: AsyncDisposableStack,
  ) {
    this.#threads = threads
    this.#owned = owned
    this.progress = progress
    this.#oldestUs = oldestUs
    const clock = new LogClock(lastUs / 1000)
    const { now = () => clock.now() } = options
    this.#now = () => Math.max(now(), lastUs / 1000)
    this.#held = new HeldEntries(options.delayMs * 1000)
    const common = {
      recentBytes: options.recentBytes,
      sealedUs,
      oldestUs: () => this.#oldestUs,
      readStored: (positionUs: number) => this.#readStored(positionUs),
    }
    this.instant = new StreamLog({ ...common, stream: 'instant', shownUs: shownUs.instant })
    this.delayed = new StreamLog({ ...common, stream: 'delayed', shownUs: shownUs.delayed })
    for (const pack of tail) this.#take(pack)
    for (const span of undone) this.#held.undo(span)
    this.release()
  }

  get held(): number {
    return this.#held.count
  }

  get memoryBytes(): number {
    return this.instant.memoryBytes + this.delayed.memoryBytes
  }

  get nextReleaseUs(): number | undefined {
    return this.#held.nextUs
  }

  append(changes: readonly Change[], progress: Progress | undefined): Promise<Appended> {
    const appending = this.#turn.then(() => this.#append(changes, progress))
    this.#turn = appending.catch(() => {})
    return appending
  }

  async #append(changes: readonly Change[], progress: Progress | undefined): Promise<Appended> {
    const nowUs = this.#nowUs()
    this.#appendingUs = nowUs
    try {
      const written = await this.#threads.writer.call('append', changes, progress, nowUs)
      const { pack, undone, isMoreLeft } = written
      const entries = pack ? this.#take(pack) : 0
      for (const span of undone) this.#held.undo(span)
      return { entries, undone: undone.length, isMoreLeft }
    } finally {
      this.#appendingUs = undefined
    }
  }

  release(): boolean {
    const horizonUs = this.#appendingUs ?? this.#nowUs()
    let isAny = false
    for (;;) {
      const entries = this.#held.release(horizonUs, releasedTogether)
      if (entries.length === 0) return isAny
      if (this.delayed.push(entries)) isAny = true
    }
  }

  bodies(positions: readonly number[]): Promise<(RecordBody | undefined)[]> {
    return this.#threads.reader.call('bodies', positions)
  }

  async retain(before: RetainBefore): Promise<void> {
    this.#oldestUs = await this.#threads.writer.call('retain', before, this.#nowUs())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn
    await this.#owned.disposeAsync()
  }

  /** Answers how many entries it has. */
  #take(pack: Pack): number {
    const entries = unpackEntries(pack)
    this.instant.push(entries)
    this.#held.push(pack, entries)
    return entries.length
  }

  async #readStored(positionUs: number): Promise<{ entries: LinkEntry[]; lastUs: number } | undefined> {
    const found = await this.#threads.reader.call('read', positionUs)
    if (!found) return undefined
    const entries = found.packs.flatMap(pack => unpackEntries(pack))
    for (const span of found.undone) takeOut(entries, span)
    return { entries, lastUs: found.lastUs }
  }

  #nowUs(): number {
    return Math.floor(this.#now() * 1000)
  }
}
