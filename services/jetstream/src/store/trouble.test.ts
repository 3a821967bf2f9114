import { existsSync, mkdirSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StorageError } from '@orrery/storage'
import { describe, expect, it } from 'vitest'
import { readFrom } from '../testing/make-events.ts'
import { Appender, openTestLog, temporaryFolder } from '../testing/test-log.ts'
import { contentsOf, openTestWriter, withDatabase } from '../testing/test-writer.ts'
import { openReader } from './reader.ts'

const noon = Date.parse('2026-08-14T12:00:00Z')
const hour = 3_600_000
const segment = '2026-08-14T12'

async function rejection(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    () => new Error('it was fulfilled'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StorageError)
  return error as StorageError
}

describe('a full disk', () => {
  it('rejects an append as a whole, and takes it once there is room', async () => {
    const folder = temporaryFolder()
    let { log, failures } = await openTestLog(folder, { limits: { maxStatePages: 60 } })
    const appender = new Appender(log, noon)
    await appender.append(20, 1_000)
    const { last } = log
    const clock = appender.clock.ms
    const error = await rejection(appender.append(20, 20_000))
    expect(error.code).toBe('full')
    expect(error.message).toContain('state.sqlite')
    expect(log.last).toBe(last)
    expect(await readFrom(log, 0)).toEqual(appender.names)
    // Less than that fits, in the same process.
    await appender.append(2)
    expect(await readFrom(log, 0)).toEqual(appender.names)
    expect(failures).toEqual([])
    await log[Symbol.asyncDispose]()
    // And the same once there is room.
    ;({ log } = await openTestLog(folder))
    appender.continueIn(log)
    appender.clock.ms = clock
    await appender.append(20, 20_000)
    expect(await readFrom(log, 0)).toEqual(appender.names)
    await log[Symbol.asyncDispose]()
  })

  it('keeps progress with the events: neither without the other', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { maxStatePages: 60 })
    const cursor = (): unknown =>
      withDatabase(join(folder, 'state.sqlite'), db =>
        db.prepare('SELECT cursor FROM upstream_cursors').pluck().get(),
      )
    writer.append(3)
    expect(cursor()).toBe(3)
    expect(() => writer.append(30, 20_000)).toThrow(expect.objectContaining({ code: 'full' }))
    expect(cursor()).toBe(3)
    expect(contentsOf(folder).tail).toEqual([['e0', 'e1', 'e2']])
  })
})

describe('sealing that fails', () => {
  it('costs no event, is told, is not tried at every append, and is made up for', async () => {
    const folder = temporaryFolder()
    const { log, problems } = await openTestLog(folder, { limits: { sealEvents: 10 } })
    const appender = new Appender(log, noon)
    // Nothing can be written where a folder is in the way.
    const inTheWay = join(folder, 'segments', `${segment}.sqlite`)
    mkdirSync(inTheWay)
    for (let i = 0; i < 35; i++) await appender.append(1)
    expect(await readFrom(log, 0)).toEqual(appender.names)
    expect(problems).toHaveLength(3)
    expect(problems[0]).toContain(inTheWay)
    rmdirSync(inTheWay)
    for (let i = 0; i < 5; i++) await appender.append(1)
    expect(problems).toHaveLength(3)
    expect(contentsOf(folder)).toEqual({ segments: { [segment]: [appender.names] }, tail: [] })
    expect(await readFrom(log, 0)).toEqual(appender.names)
    await log[Symbol.asyncDispose]()
  })

  it('at the end of an hour leaves a block that reaches over it, and everything is found', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { sealEvents: 10 })
    const inTheWay = join(folder, 'segments', `${segment}.sqlite`)
    mkdirSync(inTheWay)
    writer.append(3)
    writer.clock.ms += hour
    expect(writer.append(2).problem).toContain(inTheWay)
    for (let i = 0; i < 4; i++) expect(writer.append(1).problem).toBeUndefined()
    rmdirSync(inTheWay)
    for (let i = 0; i < 4; i++) expect(writer.append(1).problem).toBeUndefined()
    writer.append(10)
    const { segments } = contentsOf(folder)
    expect(Object.keys(segments)).toEqual([segment, '2026-08-14T13'])
    expect(segments[segment]!.flat()).toHaveLength(13)
    const reader = openReader(folder)
    // The tail of that block lies in the next hour, whose own file begins later.
    expect(reader.read((noon + hour) * 1000 + 1)?.toString('latin1')).toContain('"rkey":"e4"')
    reader.dispose()
  })

  it('fails appends too when far too much has gathered', () => {
    const folder = temporaryFolder()
    using writer = openTestWriter(folder, noon, { sealEvents: 5, maxTailBytes: 20_000 })
    const inTheWay = join(folder, 'segments', `${segment}.sqlite`)
    mkdirSync(inTheWay)
    for (let i = 0; i < 7; i++) writer.append(1, 3_000)
    expect(() => writer.append(1)).toThrow(expect.objectContaining({ name: 'StorageError', code: 'io' }))
    expect(contentsOf.bind(undefined, folder)).toThrow(StorageError)
    rmdirSync(inTheWay)
    writer.append(1)
    expect(contentsOf(folder).segments[segment]!.flat()).toHaveLength(7)
  })

  it('half way, when the tail cannot let go, doubles nothing', () => {
    const folder = temporaryFolder()
    const state = join(folder, 'state.sqlite')
    {
      using writer = openTestWriter(folder, noon, { sealEvents: 5 })
      writer.append(1)
      withDatabase(state, db =>
        db.exec("CREATE TRIGGER stuck BEFORE DELETE ON tail BEGIN SELECT RAISE(ABORT, 'stuck'); END"),
      )
      expect(writer.append(4)).toEqual({ sealed: noon * 1000 + 4, problem: 'stuck' })
      withDatabase(state, db => db.exec('DROP TRIGGER stuck'))
      writer.append(2)
      expect(writer.append(3).problem).toBeUndefined()
    }
    expect(contentsOf(folder)).toEqual({
      segments: {
        [segment]: [
          ['e0', 'e1', 'e2', 'e3', 'e4'],
          ['e5', 'e6', 'e7', 'e8', 'e9'],
        ],
      },
      tail: [],
    })
  })
})

describe('what a crash leaves behind', () => {
  it('between sealing and trimming is in both, and doubled in neither', async () => {
    const folder = temporaryFolder()
    const state = join(folder, 'state.sqlite')
    {
      using writer = openTestWriter(folder, noon, { sealEvents: 10 })
      writer.append(4)
      withDatabase(state, db =>
        db.exec("CREATE TRIGGER stuck BEFORE DELETE ON tail BEGIN SELECT RAISE(ABORT, 'stuck'); END"),
      )
      expect(writer.append(6).problem).toBe('stuck')
      withDatabase(state, db => db.exec('DROP TRIGGER stuck'))
    }
    const { segments, tail } = contentsOf(folder)
    expect(tail.flat()).toEqual(segments[segment]!.flat())
    const { log } = await openTestLog(folder, { limits: { sealEvents: 3 } })
    expect(log.last).toBe(noon * 1000 + 9)
    expect(contentsOf(folder).tail).toEqual([])
    const appender = new Appender(log, noon)
    await appender.append(4)
    expect(await readFrom(log, 0)).toEqual([...segments[segment]!.flat(), ...appender.names])
    await log[Symbol.asyncDispose]()
  })

  it.each([
    ['an empty file', (path: string) => writeFileSync(path, '')],
    ['a database without its table', (path: string) => withDatabase(path, db => db.exec('VACUUM'))],
    [
      'a table without blocks',
      (path: string) =>
        withDatabase(path, db =>
          db.exec(
            'CREATE TABLE blocks (last_us INTEGER PRIMARY KEY, first_us INTEGER NOT NULL, events INTEGER NOT NULL, zstd BLOB NOT NULL) STRICT; PRAGMA user_version = 1',
          ),
        ),
    ],
  ])('as a segment that was just begun, %s, is gone on with', async (_name, leave) => {
    const folder = temporaryFolder()
    {
      using writer = openTestWriter(folder, noon, { sealEvents: 5 })
      writer.append(5)
      writer.append(2)
    }
    leave(join(folder, 'segments', '2026-08-14T13.sqlite'))
    const reader = openReader(folder)
    expect(reader.read(noon * 1000 + 5)).toBeUndefined()
    reader.dispose()
    const { log, problems } = await openTestLog(folder, { limits: { sealEvents: 3 } })
    expect([log.last, log.oldest]).toEqual([noon * 1000 + 6, noon * 1000])
    const appender = new Appender(log, noon + hour)
    await appender.append(3)
    await appender.append(3)
    const seen = await readFrom(log, 0)
    expect(seen).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e0', 'e1', 'e2', 'e3', 'e4', 'e5'])
    expect(Object.keys(contentsOf(folder).segments)).toEqual([segment, '2026-08-14T13'])
    expect(problems).toEqual([])
    await log.retain((noon + hour) * 1000, Number.MAX_SAFE_INTEGER)
    expect(log.oldest).toBe((noon + hour) * 1000)
    await log[Symbol.asyncDispose]()
  })
})

describe('damage', () => {
  function fill(folder: string): string {
    using writer = openTestWriter(folder, noon, { sealEvents: 50 })
    writer.append(50, 500)
    writer.clock.ms += hour
    writer.append(50, 500)
    writer.append(1)
    return join(folder, 'segments', `${segment}.sqlite`)
  }

  it.each([
    ['a flipped bit', (zstd: Buffer) => void (zstd[Math.floor(zstd.length / 2)]! ^= 1)],
    ['a cut', (zstd: Buffer) => zstd.subarray(0, zstd.length - 10)],
    ['other bytes', () => Buffer.from('not zstd at all')],
    ['no bytes', () => Buffer.alloc(0)],
  ])('to a block, %s, is an error that names the file', (_name, damage) => {
    const folder = temporaryFolder()
    const path = fill(folder)
    withDatabase(path, db => {
      const { zstd } = db.prepare<[], { zstd: Buffer }>('SELECT zstd FROM blocks').get()!
      db.prepare('UPDATE blocks SET zstd = ?').run(damage(zstd) ?? zstd)
    })
    const reader = openReader(folder)
    expect(() => reader.read(0)).toThrow(expect.objectContaining({ code: 'corrupt', path }))
    expect(() => reader.read(0)).toThrow(
      `the block from ${noon * 1000} to ${noon * 1000 + 49} in ${path} is damaged`,
    )
    // What is not damaged is there.
    expect(reader.read((noon + hour) * 1000)).toBeDefined()
    reader.dispose()
  })

  it('to a segment’s file is an error that names it, also where it is read from another thread', async () => {
    const folder = temporaryFolder()
    const path = fill(folder)
    const { log } = await openTestLog(folder)
    writeFileSync(path, Buffer.alloc(20_000, 'x'))
    const error = await rejection(log.read(0))
    expect(error).toMatchObject({ code: 'corrupt', path })
    expect(error.message).toContain(path)
    await log[Symbol.asyncDispose]()
  })

  it.each(['state.sqlite', 'segments/2026-08-14T13.sqlite'])('to %s stops the start', async file => {
    const folder = temporaryFolder()
    fill(folder)
    const path = join(folder, file)
    for (const suffix of ['-wal', '-shm']) if (existsSync(path + suffix)) truncateSync(path + suffix, 0)
    writeFileSync(path, Buffer.alloc(20_000, 'x'))
    const error = await rejection(openTestLog(folder))
    expect(error).toMatchObject({ code: 'corrupt', path })
    expect(error.message).toContain('restore a backup')
  })
})
