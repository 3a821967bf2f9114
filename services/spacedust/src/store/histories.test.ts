import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { streams } from '../entry.ts'
import type { Change } from '../store.ts'
import { delayMs, expected, history, play, sortGone } from '../testing/arbitrary-history.ts'
import { del, openTestLog, put } from '../testing/test-log.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 1) * 6

it('both streams show what the plain description says, live and in replay, over restarts and whatever is sealed', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.constantFrom(1, 3, 1_000), async (steps, sealEntries) => {
      await using test = await openTestLog({ delayMs, sealEntries, recentBytes: 500 })
      const live: Record<string, string[]> = { instant: [], delayed: [] }
      const at: Record<string, number> = { instant: 1, delayed: 1 }
      for (const step of steps) {
        await play(test, step)
        for (const stream of streams) {
          const entries = await test.shown(stream, at[stream])
          live[stream]!.push(...entries)
          at[stream] = test.log[stream].last + 1
        }
      }
      const wanted = expected(steps)
      for (const stream of streams) {
        expect(sortGone(live[stream]!)).toEqual(wanted[stream])
        expect(await test.shown(stream)).toEqual(live[stream])
      }
      await test.reopen()
      for (const stream of streams) expect(await test.shown(stream)).toEqual(live[stream])
    }),
    // Each try opens files and threads: smaller counterexamples are not worth the minutes.
    { numRuns: runs, endOnFailure: true },
  )
}, 240_000)

it('retention takes what is older, from disk and from memory, and leaves the rest', async () => {
  await using test = await openTestLog({ delayMs, sealEntries: 2, recentBytes: 100 })
  for (let i = 0; i < 20; i++) {
    await play(test, { kind: 'append', changes: [{ record: `r${i}`, targets: ['x', 'y'] }] })
    test.pass(10_000)
  }
  const all = await test.shown('instant')
  const middle = (await test.read('instant')).find(({ rkey }) => rkey === 'r10')
  await test.log.retain({ logUs: middle!.timeUs, recordsUs: 0, bodiesUs: 0 })
  const kept = await test.shown('instant')
  expect(kept.length).toBeLessThanOrEqual(22)
  expect(kept).toEqual(all.slice(-kept.length))
  expect(kept).toContain('+r10 x')
  expect(test.log.instant.oldest).toBeGreaterThan(0)
  // What a record links to is forgotten by a time of its own.
  await play(test, { kind: 'append', changes: [{ record: 'r0', targets: [] }] })
  expect((await test.shown('instant')).slice(-2)).toEqual(['-r0 x', '-r0 y'])
  await test.log.retain({ logUs: 0, recordsUs: middle!.timeUs, bodiesUs: 0 })
  await play(test, {
    kind: 'append',
    changes: [
      { record: 'r1', targets: [] },
      { record: 'r19', targets: [] },
    ],
  })
  expect((await test.shown('instant')).slice(-2)).toEqual(['-r19 x', '-r19 y'])
})

it('records are kept beside the log for a time of their own, also over a restart', async () => {
  await using test = await openTestLog({ delayMs })
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
