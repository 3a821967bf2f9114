import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProgressStore } from '@orrery/firehose'
import { blockEntries } from '../block.ts'
import { type LinkEntry, modes, type Stream } from '../entry.ts'
import type { Appended, Change, LinkLog } from '../store.ts'
import { createMemoryLinkLog } from '../store/memory.ts'
import { openSqliteLinkLog } from '../store/sqlite.ts'

/** 2026-01-01, milliseconds. */
export const startMs = 1_767_225_600_000

/** A log on a clock that stands still until it is told. */
export interface TestLog extends AsyncDisposable {
  readonly log: TestedLog
  readonly nowMs: number
  /** Lets time pass, and out what is due. */
  pass(ms: number): void
  append(...changes: Change[]): Promise<Appended>
  /** All that a stream has from a position on, read as a hub would. */
  read(stream: Stream, from?: number): Promise<LinkEntry[]>
  /** The same in short, as `shown` has it. */
  shown(stream: Stream, from?: number): Promise<string[]>
  /** Closes the log, as far as it is open, and opens it again, after a time. */
  reopen(afterMs?: number): Promise<void>
}

/** A log in SQLite, and what is to be known of that. */
export interface SqliteTestLog extends TestLog {
  readonly folder: string
  close(): Promise<void>
}

/** A log, with what was saved of upstream's progress. */
export type TestedLog = LinkLog & { readonly progress: Pick<ProgressStore, 'cursor'> }

export interface TestLogOptions {
  /** Default 21,000. */
  delayMs?: number
  sealEntries?: number
  runLength?: number
  recentBytes?: number
}

export type OpenTestLog = (options?: Pick<TestLogOptions, 'delayMs'>) => Promise<TestLog>

interface Clock {
  nowMs: number
}

/** A log in SQLite, in a folder of its own. */
export async function openTestLog({
  delayMs = 21_000,
  ...options
}: TestLogOptions = {}): Promise<SqliteTestLog> {
  const folder = await mkdtemp(join(tmpdir(), 'spacedust-log-'))
  const clock: Clock = { nowMs: startMs }
  const open = (): Promise<TestedLog> =>
    openSqliteLinkLog({
      folder,
      delayMs,
      recentBytes: 1024 * 1024,
      ...options,
      now: () => clock.nowMs,
      onFailure(error) {
        throw error
      },
    })
  const test = await testLog(clock, open, () => rm(folder, { recursive: true, force: true }))
  return Object.assign(test, { folder, close: async () => test.log[Symbol.asyncDispose]() })
}

/** A log in memory, which is the same one when it is opened again. */
export const openTestMemory: OpenTestLog = async ({ delayMs = 21_000 } = {}) => {
  const clock: Clock = { nowMs: startMs }
  const log = createMemoryLinkLog({ delayMs, now: () => clock.nowMs })
  return testLog(
    clock,
    async () => {
      log.release()
      return log
    },
    async () => {},
  )
}

async function testLog(
  clock: Clock,
  open: () => Promise<TestedLog>,
  remove: () => Promise<void>,
): Promise<TestLog> {
  let log = await open()
  const test: TestLog = {
    get log() {
      return log
    },
    get nowMs() {
      return clock.nowMs
    },
    pass(ms) {
      clock.nowMs += ms
      log.release()
    },
    append: (...changes) => log.append(changes, undefined),
    async read(stream, from = 1) {
      const view = log[stream]
      const entries: LinkEntry[] = []
      for (let at = Math.max(from, view.oldest); at <= view.last;) {
        const block = view.inMemory(at) ?? (await view.read(at))
        if (!block) throw new Error(`the log reaches ${view.last}, but has nothing at ${at}`)
        entries.push(...blockEntries(block).filter(({ timeUs }) => timeUs >= at))
        at = block.last + 1
      }
      return entries
    },
    shown: async (stream, from) => (await test.read(stream, from)).map(entry => shown(entry, stream)),
    async reopen(afterMs = 0) {
      await log[Symbol.asyncDispose]()
      clock.nowMs += afterMs
      log = await open()
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await remove()
    },
  }
  return test
}

/** `+` or `-`, the record's key and its target; `=` for a link that was there before. */
export function shown(entry: LinkEntry, stream: Stream): string {
  const sign = entry.operation === 'delete' ? '-' : entry[stream] === modes.again ? '=' : '+'
  return `${sign}${entry.rkey} ${entry.subject.replace('did:plc:', '')}`
}

const collection = 'app.bsky.feed.like'
export const author = `did:plc:${'a'.repeat(24)}`

let revs = 0

/** A version of a record, by its key, that links to these DIDs. */
export function put(rkey: string, ...targets: string[]): Change {
  const links = targets.map(target => ({ path: '.subject', target: `did:plc:${target}` }))
  return { kind: 'put', did: author, collection, rkey, rev: revOf(++revs), links }
}

export function del(rkey: string): Change {
  return { kind: 'delete', did: author, collection, rkey, rev: revOf(++revs) }
}

function revOf(count: number): string {
  return `3k${count.toString(32).padStart(11, '0').replaceAll('0', '2').replaceAll('1', 'y').replaceAll('8', 'x').replaceAll('9', 'z')}`
}
