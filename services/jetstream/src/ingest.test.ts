import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch, Firehose, Progress } from '@orrery/firehose'
import { createLogger } from '@orrery/server'
import { StorageError } from '@orrery/storage'
import { describe, expect, it } from 'vitest'
import type { EncodedEvents } from './encode.ts'
import { ingest, type IngestOptions } from './ingest.ts'
import { makeCommit, progressTo, readFrom } from './testing/make-events.ts'
import { MemoryEventLog } from './testing/memory-event-log.ts'

const noon = Date.parse('2026-08-14T12:00:00Z')

/** Batches of commits, by the names of their records. `asked` counts how often the consumer came for one. */
function firehoseOf(batches: readonly string[][], stats = { asked: 0 }): Firehose {
  let events = 0
  async function* all(): AsyncGenerator<Batch> {
    for (const names of batches) {
      stats.asked++
      events += names.length
      yield { events: names.map(name => makeCommit(name)), progress: progressTo(events) }
    }
    stats.asked++
  }
  // Ingest reads it and nothing else.
  return { [Symbol.asyncIterator]: all } as unknown as Firehose
}

/** A log that fails when told to, and notes each attempt. */
class TroubledLog extends MemoryEventLog {
  attempts: { events: EncodedEvents; progress: Progress }[] = []
  troubles: (Error | undefined)[] = []

  override async append(events: EncodedEvents, progress: Progress): Promise<void> {
    this.attempts.push({ events, progress })
    const trouble = this.troubles.shift()
    await sleep(1)
    if (trouble) throw trouble
    await super.append(events, progress)
  }
}

function setup(batches: readonly string[][], options: Partial<IngestOptions> = {}) {
  const log = new TroubledLog()
  const committed: { events: number; last: number }[] = []
  const lines: { level: string; msg: string }[] = []
  const stop = new AbortController()
  const stats = { asked: 0 }
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }
  const run = (): Promise<void> =>
    ingest({
      firehose: firehoseOf(batches, stats),
      log,
      logger: createLogger({ name: 'test', level: 'info', format: 'json', stream }),
      onCommitted: events => committed.push({ events, last: log.last }),
      commitIntervalMs: 0,
      signal: stop.signal,
      now: () => noon,
      fullDiskPauseMs: 10,
      ...options,
    })
  return { log, committed, lines, stop, stats, run }
}

const full = new StorageError('full', 'no room')

describe('ingest', () => {
  it('appends each batch with its progress, and tells of it once it is to be seen', async () => {
    const { log, committed, run } = setup([['a', 'b'], [], ['c']])
    await run()
    expect(await readFrom(log, 0)).toEqual(['a', 'b', 'c'])
    expect(log.progress).toEqual([progressTo(2), progressTo(2), progressTo(3)])
    expect(committed).toEqual([
      { events: 2, last: noon * 1000 + 1 },
      { events: 0, last: noon * 1000 + 1 },
      { events: 1, last: noon * 1000 + 2 },
    ])
  })

  it('gives times behind all that the log has', async () => {
    const { log, run } = setup([['a', 'b']])
    log.last = noon * 1000 + 5_000_000
    await run()
    expect([...log.attempts[0]!.events.positions]).toEqual([noon * 1000 + 5_000_001, noon * 1000 + 5_000_002])
  })

  it('leaves the time of a commit interval between commits', async () => {
    const { run, committed } = setup([['a'], ['b'], ['c'], ['d'], ['e']], { commitIntervalMs: 30 })
    const started = performance.now()
    await run()
    expect(committed).toHaveLength(5)
    // Four intervals from the first commit to the last; timers may be early by a millisecond.
    expect(performance.now() - started).toBeGreaterThan(4 * 29)
  })

  it('waits for room on a full disk, with the same events, and without reading on', async () => {
    const { log, lines, stats, committed, run } = setup([['a', 'b'], ['c']])
    log.troubles = [full, full, full]
    const running = run()
    await sleep(15)
    expect(stats.asked).toBe(1)
    await running
    expect(log.attempts).toHaveLength(5)
    expect(new Set(log.attempts.slice(0, 4).map(({ events }) => events)).size).toBe(1)
    expect(await readFrom(log, 0)).toEqual(['a', 'b', 'c'])
    expect(committed.map(({ events }) => events)).toEqual([2, 1])
    expect(lines.map(({ level }) => level)).toEqual(['error', 'error', 'error', 'info'])
    expect(lines[0]!.msg).toContain('the disk is full')
    expect(lines[3]!.msg).toContain('going on')
  })

  it('ends while it waits for room when it is to stop', async () => {
    const { log, stop, committed, run } = setup([['a'], ['b']], { fullDiskPauseMs: 60_000 })
    log.troubles = Array.from({ length: 10 }, () => full)
    const running = run()
    await sleep(15)
    stop.abort()
    await running
    expect(committed).toEqual([])
    expect(log.attempts.length).toBeLessThanOrEqual(2)
  })

  it('rejects with any other failure', async () => {
    const { log, run, stats } = setup([['a'], ['b']])
    const broken = new StorageError('corrupt', 'damaged')
    log.troubles = [broken]
    await expect(run()).rejects.toBe(broken)
    expect(stats.asked).toBe(1)
  })
})
