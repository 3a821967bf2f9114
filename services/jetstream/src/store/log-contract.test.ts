import { describe, expect, it } from 'vitest'
import type { EventLog } from '../store.ts'
import { readFrom } from '../testing/make-events.ts'
import { MemoryEventLog } from '../testing/memory-event-log.ts'
import { Appender, openTestLog, temporaryFolder } from '../testing/test-log.ts'

const noon = Date.parse('2026-08-14T12:00:00Z')
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const logs: [string, () => Promise<EventLog>][] = [
  ['in memory', async () => new MemoryEventLog()],
  [
    'in SQLite, most of it sealed',
    async () => (await openTestLog(temporaryFolder(), { limits: { sealEvents: 4 } })).log,
  ],
  ['in SQLite, none of it sealed', async () => (await openTestLog(temporaryFolder())).log],
  [
    'in SQLite, all of it in memory',
    async () => (await openTestLog(temporaryFolder(), { recentBytes: 1e9, limits: { sealEvents: 3 } })).log,
  ],
]

describe.each(logs)('an event log %s', (_name, open) => {
  it('is empty at first, takes progress without events, and shows nothing before it is committed', async () => {
    await using log = await open()
    expect([log.last, log.oldest, log.memoryBytes]).toEqual([0, 0, 0])
    expect(log.inMemory(0)).toBeUndefined()
    expect(await log.read(0)).toBeUndefined()
    expect(await log.retain(Number.MAX_SAFE_INTEGER, 0)).toMatchObject({ removed: [] })
    const appender = new Appender(log, noon)
    await appender.append(0)
    expect([log.last, log.oldest]).toEqual([0, 0])
    await appender.append(1)
    const before = log.last
    const appending = appender.append(2)
    expect(log.last).toBe(before)
    await appending
    expect(log.last).toBe(before + 2)
    await appender.append(0)
    expect(await readFrom(log, 0)).toEqual(['e0', 'e1', 'e2'])
  })

  it('has what was appended, from any position on, in order', async () => {
    await using log = await open()
    const appender = new Appender(log, noon)
    const times: number[] = []
    for (const count of [1, 3, 2, 7, 1, 1, 5]) {
      await appender.append(count)
      times.push(...Array.from({ length: count }, (_, i) => log.last - count + 1 + i))
      appender.clock.ms += 3
    }
    for (const [i, time] of times.entries()) {
      expect(await readFrom(log, time)).toEqual(appender.names.slice(i))
      expect(await readFrom(log, time + 1)).toEqual(appender.names.slice(i + 1))
    }
    expect(await readFrom(log, 0)).toEqual(appender.names)
    expect(log.inMemory(log.last + 1) ?? (await log.read(log.last + 1))).toBeUndefined()
  })

  it('forgets whole hours that are past, and never the last', async () => {
    await using log = await open()
    const appender = new Appender(log, noon)
    const starts: number[] = []
    for (let i = 0; i < 4; i++) {
      starts.push(appender.clock.ms * 1000)
      await appender.append(8)
      await appender.append(8)
      appender.clock.ms += hour
    }
    // An event more begins the fourth hour's end: now all four are sealed where anything is.
    await appender.append(1)
    await log.retain(starts[0]! + hour * 1000 - 1, Number.MAX_SAFE_INTEGER)
    expect(log.oldest).toBe(0)
    await log.retain(starts[2]! + 1, Number.MAX_SAFE_INTEGER)
    const kept = await readFrom(log, 0)
    expect(kept).toEqual(appender.names.slice(kept.length === appender.names.length ? 0 : 32))
    await log.retain((appender.clock.ms + day) * 1000, Number.MAX_SAFE_INTEGER)
    const rest = await readFrom(log, 0)
    expect(rest.length).toBeGreaterThan(0)
    expect(rest).toEqual(appender.names.slice(-rest.length))
    expect(log.oldest === 0 || log.oldest >= starts[2]!).toBe(true)
    await appender.append(3)
    expect(await readFrom(log, 0)).toEqual(appender.names.slice(-rest.length - 3))
  })
})
