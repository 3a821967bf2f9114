import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readFrom } from '../testing/make-events.ts'
import { Appender, openTestLog, temporaryFolder } from '../testing/test-log.ts'
import { contentsOf, openTestWriter } from '../testing/test-writer.ts'
import { openReader } from './reader.ts'

const noon = Date.parse('2026-08-14T12:00:00Z')
const hour = 3_600_000

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `e${from + i}`)
}

describe('sealing', () => {
  it('comes with the number of events', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { sealEvents: 10 })
    expect(writer.append(9)).toEqual({ sealed: 0, problem: undefined })
    expect(contentsOf(folder)).toEqual({ segments: {}, tail: [names(0, 9)] })
    expect(writer.append(2).sealed).toBe(noon * 1000 + 10)
    expect(contentsOf(folder)).toEqual({ segments: { '2026-08-14T12': [names(0, 11)] }, tail: [] })
    expect(writer.append(1).sealed).toBe(noon * 1000 + 10)
    expect(contentsOf(folder).tail).toEqual([names(11, 12)])
  })

  it('comes with the number of bytes', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { sealBytes: 10_000 })
    for (let i = 0; i < 3; i++) writer.append(1, 3_500)
    expect(contentsOf(folder)).toEqual({ segments: { '2026-08-14T12': [names(0, 3)] }, tail: [] })
  })

  it('comes with the end of an hour, so that each has its own file', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { sealEvents: 4 })
    for (let i = 0; i < 3; i++) {
      writer.append(3)
      writer.append(3)
      writer.append(1)
      writer.clock.ms += hour
    }
    writer.append(2)
    expect(contentsOf(folder)).toEqual({
      segments: {
        '2026-08-14T12': [names(0, 6), names(6, 7)],
        '2026-08-14T13': [names(7, 13), names(13, 14)],
        '2026-08-14T14': [names(14, 20), names(20, 21)],
      },
      tail: [names(21, 23)],
    })
    // What is done with has no WAL any more.
    const files = readdirSync(join(folder, 'segments')).filter(
      file => file.includes('T12') || file.includes('T13'),
    )
    expect(files).toEqual(['2026-08-14T12.sqlite', '2026-08-14T13.sqlite'])
  })

  it('leaves the tail where an hour is empty', () => {
    const folder = temporaryFolder()
    {
      using writer = openTestWriter(folder, noon)
      writer.append(3)
      writer.clock.ms += 5 * hour
      writer.append(2)
    }
    expect(contentsOf(folder)).toEqual({ segments: { '2026-08-14T12': [names(0, 3)] }, tail: [names(3, 5)] })
    // What was in the tail is found there again, and sealed in its own hour.
    using writer = openTestWriter(folder, noon + 6 * hour)
    expect(writer.api.opened()).toMatchObject({ sealed: noon * 1000 + 2, last: (noon + 5 * hour) * 1000 + 1 })
    writer.append(1)
    expect(Object.keys(contentsOf(folder).segments)).toEqual(['2026-08-14T12', '2026-08-14T17'])
  })
})

describe('retention', () => {
  function fill(folder: string, hours: number, bytes = 0) {
    const writer = openTestWriter(folder, noon, { sealEvents: 4 })
    for (let i = 0; i < hours; i++) {
      writer.append(5, bytes)
      writer.clock.ms += hour
    }
    return writer
  }
  const segmentsIn = (folder: string): string[] => Object.keys(contentsOf(folder).segments)
  const startOf = (hours: number): number => (noon + hours * hour) * 1000

  it('by time removes hours that are past as a whole', () => {
    const folder = temporaryFolder()
    using writer = fill(folder, 4)
    expect(writer.api.retain(startOf(1) - 1, Number.MAX_SAFE_INTEGER)).toMatchObject({ removed: [] })
    expect(writer.api.retain(startOf(1), Number.MAX_SAFE_INTEGER)).toMatchObject({
      removed: ['2026-08-14T12'],
      oldest: startOf(1),
    })
    expect(writer.api.retain(startOf(3) - 1, Number.MAX_SAFE_INTEGER)).toMatchObject({
      removed: ['2026-08-14T13'],
      oldest: startOf(2),
    })
    expect(segmentsIn(folder)).toEqual(['2026-08-14T14', '2026-08-14T15'])
  })

  it('never removes the current hour, however old and large', () => {
    const folder = temporaryFolder()
    {
      using writer = fill(folder, 3)
      expect(writer.api.retain(Number.MAX_SAFE_INTEGER, 0)).toMatchObject({
        removed: ['2026-08-14T12', '2026-08-14T13'],
        oldest: startOf(2),
      })
      expect(writer.api.retain(Number.MAX_SAFE_INTEGER, 0).removed).toEqual([])
    }
    // Nor after a restart, when nothing was written yet.
    using writer = openTestWriter(folder, noon + 30 * hour)
    expect(writer.api.retain(Number.MAX_SAFE_INTEGER, 0).removed).toEqual([])
    expect(writer.api.opened()).toMatchObject({ oldest: startOf(2), last: startOf(2) + 4 })
  })

  it('by size removes the oldest hours until the rest fits', () => {
    const folder = temporaryFolder()
    using writer = fill(folder, 5)
    const sizes = readdirSync(join(folder, 'segments')).map(
      file => statSync(join(folder, 'segments', file)).size,
    )
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(writer.api.retain(0, total)).toMatchObject({ removed: [], bytes: total })
    const { removed, bytes } = writer.api.retain(0, total - sizes[0]! - 1)
    expect(removed).toEqual(['2026-08-14T12', '2026-08-14T13'])
    expect(bytes).toBeLessThanOrEqual(total - sizes[0]! - sizes[1]!)
    expect(readdirSync(join(folder, 'segments')).filter(file => /T1[23]/.test(file))).toEqual([])
  })

  it('does not disturb a reader that has the file open', () => {
    const folder = temporaryFolder()
    using writer = fill(folder, 4)
    const reader = openReader(folder)
    const read = (position: number): string | undefined => reader.read(position)?.toString('latin1')
    expect(read(startOf(0))).toContain('"rkey":"e0"')
    expect(read(startOf(1))).toContain('"rkey":"e5"')
    writer.api.retain(startOf(2), Number.MAX_SAFE_INTEGER)
    // The next there is.
    expect(read(startOf(0))).toContain('"rkey":"e10"')
    expect(read(startOf(1))).toContain('"rkey":"e10"')
    expect(read(startOf(4))).toBeUndefined()
    reader.dispose()
  })

  it('shows in what the log says before anybody can read over the gap', async () => {
    const options = { limits: { sealEvents: 4 }, replayBytes: 1, recentBytes: 1 }
    const { log } = await openTestLog(temporaryFolder(), options)
    const appender = new Appender(log, noon)
    const hours = 24
    for (let i = 0; i < hours; i++) {
      await appender.append(5)
      appender.clock.ms += hour
    }
    // The reader is at work already when retention begins.
    for (let i = 0; i < 5; i++) await log.read(startOf(0) + i)
    const over = new AbortController()
    const retaining = log.retain(startOf(hours - 1), Number.MAX_SAFE_INTEGER).finally(() => over.abort())
    const overTheGap: number[] = []
    let reads = 0
    async function readOn(): Promise<void> {
      while (!over.signal.aborted) {
        const block = await log.read(startOf(0) + (reads++ % 5))
        // What is not of the hour that was asked for is what lies behind the gap.
        if (block!.first >= startOf(1) && log.oldest === 0) overTheGap.push(block!.first)
      }
    }
    await Promise.all(Array.from({ length: 4 }, readOn))
    await retaining
    expect(overTheGap).toEqual([])
    expect(log.oldest).toBe(startOf(hours - 1))
    expect(await readFrom(log, 0)).toEqual(appender.names.slice(-5))
    await log[Symbol.asyncDispose]()
  })
})

describe('the reader', () => {
  it('opens more hours than it keeps open, and finds every block', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { sealEvents: 1 })
    for (let i = 0; i < 12; i++) {
      writer.append(1)
      writer.clock.ms += hour
    }
    const reader = openReader(folder)
    for (const i of [0, 11, 3, 7, 1, 2, 4, 5, 6, 8, 9, 10, 0, 11]) {
      const at = (noon + i * hour) * 1000
      expect(reader.read(at)?.toString('latin1')).toContain(`"rkey":"e${i}"`)
      expect(
        reader
          .read(at + 1)
          ?.toString('latin1')
          .includes(`"rkey":"e${i + 1}"`) ?? i === 11,
      ).toBe(true)
    }
    reader.dispose()
  })
})
