import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { type Database, openDatabase } from '@orrery/storage'
import { EventClock, EventEncoder } from '../encode.ts'
import { blockOf } from '../store/block.ts'
import { listSegments } from '../store/segments.ts'
import { type Appended, openWriter, type WriterLimits } from '../store/writer.ts'
import { linesIn, makeCommit, progressTo } from './make-events.ts'

/** The writer of a log in this thread, fed with named commits at the times of a clock that the test sets. */
export interface TestWriter extends Disposable {
  readonly api: ReturnType<typeof openWriter>
  readonly clock: { ms: number }
  append(count: number, bytes?: number): Appended
}

export function openTestWriter(
  folder: string,
  startMs: number,
  limits: Partial<WriterLimits> = {},
): TestWriter {
  const api = openWriter({ folder, durability: 'normal', limits })
  const clock = { ms: startMs }
  const encoder = new EventEncoder(new EventClock(api.opened().last, () => clock.ms))
  let events = 0
  return {
    api,
    clock,
    append(count, bytes = 0) {
      const commits = Array.from({ length: count }, () => makeCommit(`e${events++}`, bytes))
      const { positions, ...encoded } = encoder.encode(commits)
      return api.append({ ...encoded, first: positions[0]!, last: positions.at(-1)! }, progressTo(events))
    },
    [Symbol.dispose]: () => api.dispose(),
  }
}

/** What lies in the files of a log: names of records by segment and block, and those of the tail. */
export function contentsOf(folder: string): { segments: Record<string, string[][]>; tail: string[][] } {
  const segments: Record<string, string[][]> = {}
  for (const { name, path } of listSegments(join(folder, 'segments'))) {
    const rows = withDatabase(path, db =>
      db.prepare<[], { zstd: Buffer }>('SELECT zstd FROM blocks ORDER BY last_us').all(),
    )
    segments[name] = rows.map(row => namesIn(zstdDecompressSync(row.zstd)))
  }
  const rows = withDatabase(join(folder, 'state.sqlite'), db =>
    db.prepare<[], { pack: Buffer }>('SELECT pack FROM tail ORDER BY last_us').all(),
  )
  return { segments, tail: rows.map(row => namesIn(row.pack)) }
}

/** Opens a file beside its owner for a moment. */
export function withDatabase<T>(path: string, use: (db: Database) => T): T {
  const db = openDatabase(path)
  try {
    return use(db)
  } finally {
    db.close()
  }
}

function namesIn(pack: Buffer): string[] {
  return linesIn(blockOf(pack)).map(line => (JSON.parse(line) as { commit: { rkey: string } }).commit.rkey)
}
