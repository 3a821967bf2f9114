import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { EventClock, EventEncoder } from '../encode.ts'
import type { EventLog } from '../store.ts'
import { openSqliteEventLog, type SqliteEventLogOptions } from '../store/sqlite.ts'
import { makeCommit, progressTo } from './make-events.ts'

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface TestLog {
  log: EventLog
  /** What was told to the owner. */
  failures: unknown[]
  problems: string[]
}

/** Opens the log in a folder, with little memory unless told otherwise. */
export async function openTestLog(
  folder: string,
  options: Partial<SqliteEventLogOptions> = {},
): Promise<TestLog> {
  const failures: unknown[] = []
  const problems: string[] = []
  const log = await openSqliteEventLog({
    folder,
    durability: 'normal',
    recentBytes: 1_000,
    replayBytes: 10_000,
    onFailure: error => failures.push(error),
    onProblem: problem => problems.push(problem),
    ...options,
  })
  return { log, failures, problems }
}

/** Appends named commits at the times of a clock that the test sets. Goes on in another log with `continueIn`. */
export class Appender {
  readonly clock: { ms: number }
  readonly names: string[] = []
  log: EventLog
  #encoder: EventEncoder

  constructor(log: EventLog, startMs: number) {
    this.clock = { ms: startMs }
    this.log = log
    this.#encoder = new EventEncoder(new EventClock(log.last, () => this.clock.ms))
  }

  continueIn(log: EventLog): void {
    this.log = log
    this.#encoder = new EventEncoder(new EventClock(log.last, () => this.clock.ms))
  }

  /** One append of so many events, with records of about so many bytes. Progress is the number of events. */
  async append(count: number, bytes = 0): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `e${this.names.length + i}`)
    await this.log.append(
      this.#encoder.encode(names.map(name => makeCommit(name, bytes))),
      progressTo(this.names.length + count),
    )
    this.names.push(...names)
  }
}
