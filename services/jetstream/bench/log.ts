import { mkdtempSync, rmSync, statSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { EventClock, EventEncoder, type EncodedEvents } from '../src/encode.ts'
import { listSegments } from '../src/store/segments.ts'
import { openSqliteEventLog } from '../src/store/sqlite.ts'
import type { Batch } from '@orrery/firehose'
import { createBatches, makeCommits } from './feed.ts'

/** What keeping events takes. */
export interface Kept {
  /** Events kept a second that passed, and a second of the process on the CPU. */
  perSecond: number
  perCore: number
  /** Bytes of an event as JSON, and on disk. */
  jsonBytes: number
  diskBytes: number
}

const events = 60_000
const warmUpEvents = 15_000

/** Events in one commit: what gathers in 10 ms at 50,000 a second. */
const batchEvents = 500

/** Keeps the same events in the log, with upstream's progress, and in a plain table with a row for each. */
export async function measureLog(): Promise<{ log: Kept; table: Kept }> {
  const commits = makeCommits(events)
  const batchOf = createBatches()
  const batches = Array.from({ length: events / batchEvents }, (_, i) =>
    batchOf(commits.slice(i * batchEvents, (i + 1) * batchEvents)),
  )
  return { log: await inLog(batches), table: await inTable(batches) }
}

async function inLog(batches: readonly Batch[]): Promise<Kept> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
  try {
    const fail = (problem: unknown): never => {
      throw new Error(String(problem))
    }
    const log = await openSqliteEventLog({
      folder,
      durability: 'normal',
      recentBytes: 1024 * 1024,
      replayBytes: 1024 * 1024,
      onFailure: fail,
      onProblem: fail,
    })
    const encoder = new EventEncoder(new EventClock(0))
    const kept = await measure(batches, async ({ events: some, progress }) => {
      const encoded = encoder.encode(some)
      await log.append(encoded, progress)
      return encoded
    })
    await log[Symbol.asyncDispose]()
    return { ...kept, diskBytes: sealedBytes(join(folder, 'segments')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Bytes on disk of an event in the segments; the last few are not sealed yet. */
function sealedBytes(folder: string): number {
  let sealed = 0
  for (const { path } of listSegments(folder)) {
    const db = openDatabase(path, { readonly: true })
    sealed += db.prepare<[], { sealed: number }>('SELECT sum(events) AS sealed FROM blocks').get()!.sealed
    db.close()
  }
  return sizeOf(folder) / sealed
}

async function inTable(batches: readonly Batch[]): Promise<Kept> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
  try {
    const db = openDatabase(join(folder, 'events.sqlite'))
    db.exec('CREATE TABLE events (time_us INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT')
    const insert = db.prepare('INSERT INTO events (time_us, json) VALUES (?, ?)')
    const commit = db.transaction(({ bytes, ends, positions }: EncodedEvents) => {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      for (const [i, end] of ends.entries()) {
        insert.run(positions[i], text.toString('utf8', i === 0 ? 0 : ends[i - 1], end))
      }
    })
    const encoder = new EventEncoder(new EventClock(0))
    const kept = await measure(batches, async ({ events: some }) => {
      const encoded = encoder.encode(some)
      commit.immediate(encoded)
      return encoded
    })
    db.close()
    return { ...kept, diskBytes: sizeOf(folder) / events }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measure<T>(
  batches: readonly T[],
  keep: (batch: T) => Promise<EncodedEvents>,
): Promise<Omit<Kept, 'diskBytes'>> {
  let jsonBytes = 0
  let startedAt = 0
  let cpuBefore = process.cpuUsage()
  const measured = events - warmUpEvents
  for (const [i, batch] of batches.entries()) {
    if (i * batchEvents === warmUpEvents) {
      startedAt = performance.now()
      cpuBefore = process.cpuUsage()
    }
    jsonBytes += (await keep(batch)).bytes.length
  }
  const elapsedMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    perSecond: (measured * 1000) / elapsedMs,
    perCore: (measured * 1_000_000) / (user + system),
    jsonBytes: jsonBytes / events,
  }
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

/** Keeping events, beside a table with a row for each. */
export async function benchLog(): Promise<Figure[]> {
  const { log, table } = await measureLog()
  const peer = 'a row for each'
  const rate = { figure: log.perSecond, peerFigure: table.perSecond }
  const share = { figure: log.diskBytes / log.jsonBytes, peerFigure: table.diskBytes / table.jsonBytes }
  return [
    { name: 'events/s kept', ...rate, peer, ratio: rate.figure / rate.peerFigure },
    { name: 'events/s kept by a core', figure: log.perCore },
    {
      name: 'bytes on disk by bytes of JSON',
      ...share,
      peer,
      ratio: share.figure / share.peerFigure,
      note: `${Math.round(log.diskBytes)} of ${Math.round(log.jsonBytes)} bytes`,
    },
  ]
}

if (import.meta.main) console.table(await benchLog())
