import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blockEntries } from '../block.ts'
import { type LinkEntry, modes, type Stream } from '../entry.ts'
import type { Change } from '../store.ts'
import { openSqliteLinkLog, type SqliteLinkLog } from '../store/sqlite.ts'

/** 2026-01-01, milliseconds. */
export const startMs = 1_767_225_600_000

/** A log on a clock that stands still until it is told, in a folder of its own. */
export interface TestLog extends AsyncDisposable {
  readonly log: SqliteLinkLog
  readonly folder: string
  /** Lets time pass, and out what is due. */
  pass(ms: number): void
  append(...changes: Change[]): Promise<void>
  /** All that a stream has from a position on, read as a hub would. */
  read(stream: Stream, from?: number): Promise<LinkEntry[]>
  /** The same in short, as `shown` has it. */
  shown(stream: Stream, from?: number): Promise<string[]>
  /** Closes the log and opens it again, after a time. */
  reopen(afterMs?: number): Promise<void>
}

export interface TestLogOptions {
  delayMs?: number
  sealEntries?: number
  recentBytes?: number
}

export async function openTestLog({ delayMs = 21_000, ...options }: TestLogOptions = {}): Promise<TestLog> {
  const folder = await mkdtemp(join(tmpdir(), 'spacedust-log-'))
  let nowMs = startMs
  const open = (): Promise<SqliteLinkLog> =>
    openSqliteLinkLog({
      folder,
      delayMs,
      recentBytes: 1024 * 1024,
      ...options,
      now: () => nowMs,
      onFailure(error) {
        throw error
      },
    })
  let log = await open()
  const test: TestLog = {
    get log() {
      return log
    },
    folder,
    pass(ms) {
      nowMs += ms
      log.release()
    },
    async append(...changes) {
      await log.append(changes, undefined)
    },
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
      nowMs += afterMs
      log = await open()
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
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
