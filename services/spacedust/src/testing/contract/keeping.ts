import { expect, it } from 'vitest'
import type { Progress } from '@orrery/firehose'
import { streams } from '../../entry.ts'
import type { Change } from '../../store.ts'
import { del, type OpenTestLog, put } from '../test-log.ts'

/** What is kept, for how long, and how it is found. */
export function keepingContract(open: OpenTestLog): void {
  it('is empty at first', async () => {
    await using test = await open()
    for (const stream of streams) {
      expect(test.log[stream].last).toBe(0)
      expect(await test.log[stream].read(1)).toBeUndefined()
    }
    expect([test.log.held, test.log.nextReleaseUs, test.log.release()]).toEqual([0, undefined, false])
  })

  it('times rise from entry to entry, whatever the clock does, and a read begins at any of them', async () => {
    await using test = await open()
    for (let i = 0; i < 6; i++) {
      await test.append(put(`r${i}`, 'x', 'y'), put(`s${i}`, 'z'))
      if (i % 2 === 0) test.pass(25_000)
      if (i === 3) await test.reopen()
    }
    test.pass(25_000)
    for (const stream of streams) {
      const entries = await test.read(stream)
      expect(entries).toHaveLength(18)
      expect(test.log[stream].last).toBe(entries.at(-1)!.timeUs)
      for (const [i, { timeUs }] of entries.entries()) {
        expect(timeUs).toBeGreaterThan(entries[i - 1]?.timeUs ?? 0)
        expect(await test.read(stream, timeUs)).toEqual(entries.slice(i))
        expect(await test.read(stream, timeUs + 1)).toEqual(entries.slice(i + 1))
      }
    }
  })

  it('tells what is held, and when the next of it is to come out', async () => {
    await using test = await open()
    await test.append(put('r', 'x', 'y'))
    const [first] = await test.read('instant')
    expect([test.log.held, test.log.nextReleaseUs]).toEqual([2, first!.timeUs + 21_000_001])
    await test.reopen()
    expect([test.log.held, test.log.nextReleaseUs]).toEqual([2, first!.timeUs + 21_000_001])
    test.pass(22_000)
    expect([test.log.held, test.log.nextReleaseUs]).toEqual([0, undefined])
  })

  it('what came out stays out, though the clock is set back before the next start', async () => {
    await using test = await open()
    await test.append(put('r', 'x'))
    test.pass(30_000)
    await test.append()
    await test.reopen(-60_000)
    expect(await test.shown('delayed')).toEqual(['+r x'])
    await test.append(del('r'))
    test.pass(90_000)
    expect(await test.shown('delayed')).toEqual(['+r x', '-r x'])
    expect(await test.shown('instant')).toEqual(['+r x', '-r x'])
  })

  it('upstream’s progress is saved with what it brought', async () => {
    await using test = await open()
    const at = (cursor: number): Progress => ({
      cursors: [{ source: 'wss://relay.test', cursor, time: '', seen: [] }],
      accounts: [],
      notices: [],
      gaps: [],
    })
    await test.log.append([put('r', 'x')], at(5))
    await test.log.append([], at(6))
    await test.append(put('s', 'x'))
    await test.reopen()
    expect(test.log.progress.cursor('wss://relay.test')?.cursor).toBe(6)
    expect(await test.shown('instant')).toEqual(['+r x', '+s x'])
  })

  it('retention takes what is older, from disk and from memory, and leaves the rest', async () => {
    await using test = await open()
    for (let i = 0; i < 20; i++) {
      await test.append(put(`r${i}`, 'x', 'y'))
      test.pass(10_000)
    }
    const all = await test.shown('instant')
    const middle = (await test.read('instant')).find(({ rkey }) => rkey === 'r10')
    await test.log.retain({ logUs: middle!.timeUs, recordsUs: 0, bodiesUs: 0 })
    const kept = await test.shown('instant')
    // Some more may be left, of what lies together.
    expect(kept).toEqual(all.slice(-kept.length))
    expect(kept).toContain('+r10 x')
    // What a record links to is forgotten by a time of its own.
    await test.append(del('r0'))
    expect((await test.shown('instant')).slice(-2)).toEqual(['-r0 x', '-r0 y'])
    await test.log.retain({ logUs: 0, recordsUs: middle!.timeUs, bodiesUs: 0 })
    await test.append(del('r1'), del('r19'))
    expect((await test.shown('instant')).slice(-2)).toEqual(['-r19 x', '-r19 y'])
    // What is held stays, whatever its age.
    await test.log.retain({ logUs: Number.MAX_SAFE_INTEGER, recordsUs: 0, bodiesUs: 0 })
    expect(await test.shown('instant')).toEqual(all.slice(-4).concat(['-r0 x', '-r0 y', '-r19 x', '-r19 y']))
    expect(test.log.instant.oldest).toBeGreaterThan(0)
  })

  it('of which nothing is left, a log has nothing to be read, and goes on', async () => {
    await using test = await open()
    await test.append(put('r', 'x'))
    test.pass(30_000)
    for (const next of ['s', 't']) {
      await test.log.retain({ logUs: Number.MAX_SAFE_INTEGER, recordsUs: 0, bodiesUs: 0 })
      for (const stream of streams) {
        // Else who comes with a cursor would wait for what the stream reached once.
        expect(test.log[stream].oldest).toBeGreaterThan(test.log[stream].last)
        expect(await test.shown(stream)).toEqual([])
      }
      await test.append(put(next, 'x'))
      test.pass(30_000)
      for (const stream of streams) expect(await test.shown(stream)).toEqual([`+${next} x`])
      await test.reopen(30_000)
    }
  })

  it('records are kept beside the log for a time of their own, also over a restart', async () => {
    await using test = await open()
    const body = (i: number) => ({ cid: `bafy${i}`, json: `{"i":${i}}` })
    for (let i = 0; i < 5; i++) {
      const [one, other] = [put(`r${i}`, 'x', 'y'), put(`s${i}`, 'z')]
      await test.append({ ...one, body: body(i) } as Change, other, { ...del(`r${i - 1}`) })
      test.pass(1_000)
    }
    const entries = await test.read('instant')
    const told = async (): Promise<string[]> => {
      const found = await test.log.bodies(entries.map(({ timeUs }) => timeUs))
      return entries.map(({ operation, rkey }, i) => `${operation} ${rkey} ${found[i]?.json ?? '-'}`)
    }
    const wanted = entries.map(({ operation, rkey }) => {
      const isKept = operation === 'create' && rkey.startsWith('r')
      return `${operation} ${rkey} ${isKept ? `{"i":${rkey.slice(1)}}` : '-'}`
    })
    expect(await told()).toEqual(wanted)
    await test.reopen()
    expect(await told()).toEqual(wanted)
    const third = entries.find(({ rkey }) => rkey === 'r3')!
    await test.log.retain({ logUs: 0, recordsUs: 0, bodiesUs: third.timeUs })
    expect(await told()).toEqual(
      wanted.map((line, i) => (entries[i]!.timeUs < third.timeUs ? line.replace(/\{.*/, '-') : line)),
    )
  })
}
