import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { streams } from '../entry.ts'
import { historiesAgree } from '../testing/agree.ts'
import { delayMs, expected, history, play, sortGone } from '../testing/arbitrary-history.ts'
import { openTestLog, openTestMemory } from '../testing/test-log.ts'

const effort = Number(process.env.FUZZ_RUNS ?? 1)

it('a log in memory shows of a history what is found by looking at it afterwards', async () => {
  const property = fc.asyncProperty(history, async steps => {
    await using test = await openTestMemory({ delayMs })
    for (const step of steps) await play(test, step)
    const wanted = expected(steps)
    for (const stream of streams) expect(sortGone(await test.shown(stream))).toEqual(sortGone(wanted[stream]))
  })
  await fc.assert(property, { numRuns: effort * 60 })
}, 120_000)

it.each([
  ['pieces of the usual size', {}, 3],
  ['small pieces, which are on disk at once', { sealEntries: 1, runLength: 2, recentBytes: 1 }, 5],
  ['middling pieces', { sealEntries: 3, runLength: 5, recentBytes: 1_000 }, 4],
])(
  'a log in SQLite agrees with one in memory, whatever happens: %s',
  async (_, options, runs) => {
    const open = (more?: { delayMs?: number }) => openTestLog({ ...options, ...more })
    expect(await historiesAgree(openTestMemory, open, effort * runs)).toBeGreaterThan(0)
  },
  240_000,
)
