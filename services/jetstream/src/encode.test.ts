import type { FirehoseEvent } from '@orrery/firehose'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventClock, EventEncoder } from './encode.ts'
import { event, goJson } from './testing/arbitrary-events.ts'
import { linesOf, makeCommit } from './testing/make-events.ts'

const noon = Date.parse('2026-08-14T12:00:00Z')

/** The lines of an event, written the slow and plain way. `undefined` members are left out by JSON itself. */
function slowLines(of: FirehoseEvent, nextTime: () => number): string[] {
  const { did } = of
  const head = (kind: string): object => ({ did, time_us: nextTime(), kind })
  switch (of.kind) {
    case 'commit':
      return of.ops.map(({ action, collection, rkey, record, cid }) =>
        goJson({
          ...head('commit'),
          commit: {
            rev: of.rev,
            operation: action,
            collection,
            rkey,
            record: record ? (JSON.parse(Buffer.from(record).toString()) as unknown) : undefined,
            cid: cid ?? undefined,
          },
        }),
      )
    case 'identity':
      return [
        goJson({ ...head('identity'), identity: { did, handle: of.handle, seq: of.seq, time: of.time } }),
      ]
    case 'account': {
      const account = { active: of.active, did, seq: of.seq, status: of.status, time: of.time }
      return [goJson({ ...head('account'), account })]
    }
    case 'sync':
      return []
  }
}

describe('EventEncoder', () => {
  it('writes the lines that a plain JSON encoder would', () => {
    const encoder = new EventEncoder(new EventClock(0, () => noon))
    let time = noon * 1000 - 1
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), events => {
        const encoded = encoder.encode(events)
        const lines = events.flatMap(each => slowLines(each, () => ++time))
        expect(linesOf(encoded)).toEqual(lines)
        expect([...encoded.positions]).toEqual(
          lines.map(line => (JSON.parse(line) as { time_us: number }).time_us),
        )
        expect(encoded.ends.at(-1) ?? 0).toBe(encoded.bytes.length)
      }),
      { numRuns: 300 },
    )
  })

  it('hands out bytes that are not its own any more', () => {
    const encoder = new EventEncoder(new EventClock(0, () => noon))
    const first = encoder.encode([makeCommit('one', 100)])
    const [line] = linesOf(first)
    encoder.encode([makeCommit('two', 2_000_000)])
    expect(linesOf(first)).toEqual([line])
    expect(encoder.encode([])).toMatchObject({ bytes: new Uint8Array(0) })
  })

  it('writes what production writes', () => {
    const encoder = new EventEncoder(new EventClock(0, () => noon))
    const remove = {
      ...makeCommit('k'),
      ops: [{ ...makeCommit('k').ops[0]!, action: 'delete' as const, cid: null, record: null }],
    }
    expect(linesOf(encoder.encode([makeCommit('k'), remove]))).toEqual([
      `{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","time_us":${noon}000,"kind":"commit","commit":{"rev":"3jzfcijpj2z2a","operation":"create","collection":"com.example.thing","rkey":"k","record":{"pad":""},"cid":"bafyreihzwnyumvubacqyflkxpsejegc6sxwkcaxv3iwm3lrn2kfg2ugfpy"}}`,
      `{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","time_us":${noon}001,"kind":"commit","commit":{"rev":"3jzfcijpj2z2a","operation":"delete","collection":"com.example.thing","rkey":"k"}}`,
    ])
  })
})

describe('EventClock', () => {
  it('rises strictly whatever the wall clock does, and follows it where it can', () => {
    const hour = 3_600_000
    const step = fc.record({
      byMs: fc.oneof(fc.constantFrom(0, 0, 1, 5), fc.integer({ min: -2 * hour, max: 2 * hour })),
      restart: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
        let ms = noon
        let clock = new EventClock(0, () => ms)
        let last = 0
        for (const { byMs, restart } of steps) {
          ms = Math.max(Date.UTC(2010), ms + byMs)
          if (restart) clock = new EventClock(last, () => ms)
          const time = clock.next()
          expect(time).toBe(Math.max(last + 1, ms * 1000))
          expect(clock.last).toBe(time)
          last = time
        }
      }),
    )
  })

  it('gives times of 16 digits where the clock was never set', () => {
    const clock = new EventClock(0, () => 12_345)
    const times = [clock.next(), clock.next()]
    expect(times.map(time => String(time).length)).toEqual([16, 16])
    expect(times[1]).toBeGreaterThan(times[0]!)
  })
})
