import * as fc from 'fast-check'
import { expect } from 'vitest'
import { readFrom } from './make-events.ts'
import { Appender, openTestLog, temporaryFolder } from './test-log.ts'

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 40 })),
      bytes: fc.constantFrom(0, 50, 3_000),
      // Back and forth, over the ends of hours too.
      byMs: fc.constantFrom(0, 1, 5, 600_000, 3_000_000, 7_200_000, -5, -7_200_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
)

const limits = fc.record({
  sealEvents: fc.constantFrom(1, 5, 30, 1_000),
  sealBytes: fc.constantFrom(1_000, 20_000, 512 * 1024),
})
const memory = fc.constantFrom(0, 2_000, 1_000_000)
/** Any course of events. */
export const plan = fc.record({
  steps: fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }),
  options: fc.record({ limits, recentBytes: memory, replayBytes: memory }),
})

/** What a step shows, and what it should show. */
interface Shown {
  got: unknown
  wanted: unknown
}

/** Plays it on a log in a folder of its own. */
export async function play({
  steps,
  options,
}: typeof plan extends fc.Arbitrary<infer Plan> ? Plan : never): Promise<void> {
  const folder = temporaryFolder()
  let opened = await openTestLog(folder, options)
  const appender = new Appender(opened.log, Date.parse('2026-08-14T12:58:00Z'))
  const times: number[] = []

  async function take(each: (typeof steps)[number]): Promise<Shown> {
    const { log } = opened
    const { last } = log
    switch (each.kind) {
      case 'append': {
        appender.clock.ms += each.byMs
        await appender.append(each.count, each.bytes)
        const added = Array.from({ length: each.count }, (_, i) => log.last - each.count + 1 + i)
        times.push(...added)
        // Times rise whatever the clock did.
        return { got: added.every(time => time > last), wanted: true }
      }
      case 'read': {
        const index = Math.floor(each.at * times.length)
        return {
          got: await readFrom(log, times[index] ?? log.last + 1),
          wanted: appender.names.slice(index),
        }
      }
      case 'reopen':
        await log[Symbol.asyncDispose]()
        opened = await openTestLog(folder, options)
        appender.continueIn(opened.log)
        return { got: opened.log.last, wanted: last }
    }
  }

  try {
    for (const each of steps) {
      const { got, wanted } = await take(each)
      expect(got).toEqual(wanted)
    }
    expect(await readFrom(opened.log, 0)).toEqual(appender.names)
    expect(opened.problems).toEqual([])
    expect(opened.failures).toEqual([])
  } finally {
    await opened.log[Symbol.asyncDispose]()
  }
}
