import * as fc from 'fast-check'
import { expect } from 'vitest'
import { type LinkEntry, type Stream, streams } from '../entry.ts'
import { tidParts } from '../store/tid.ts'
import type { Change } from '../store.ts'
import { del, type OpenTestLog, put, type TestLog } from './test-log.ts'

/** One thing that happens to two logs. */
type Step =
  | { kind: 'append'; changes: AnyChange[] }
  | { kind: 'pass' | 'reopen'; ms: number }
  /** Each so long ago; nothing is exactly as old. */
  | { kind: 'retain'; log: number; records: number; bodies: number }

interface AnyChange {
  account: string
  /** Undefined where the account is deleted. */
  rkey: string | undefined
  /** None where the record is deleted. */
  targets: string[]
  hasBody: boolean
}

const someTime = fc.constantFrom(500, 1_000, 7_000, 10_000, 30_000)
/** No sum of these, so that nothing depends on a microsecond. */
const someAge = fc.constantFrom(5_250, 15_250, 40_250, 90_250)
const delayMs = 21_300

const change: fc.Arbitrary<AnyChange> = fc.record({
  account: fc.constantFrom('did:plc:one', 'did:plc:two'),
  rkey: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('3lv4ouczo2b2a', '3lv4ouczo2b2b', 'self') },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  targets: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }),
  hasBody: fc.boolean(),
})

const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        changes: fc.array(change, { maxLength: 5 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: someTime }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), ms: someTime }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('retain' as const),
        log: someAge,
        records: someAge,
        bodies: someAge,
      }),
    },
  ),
  { minLength: 4, maxLength: 40, size: 'max' },
)

/**
 * Plays random histories on two logs, of which the first is right: what appends answer, what shows live, what a replay has
 * and the records with it have to be the same, also after restarts, and in what retention leaves. Answers how many entries
 * were compared.
 *
 * @throws (rejects) with the history, when the logs differ
 */
export async function historiesAgree(spec: OpenTestLog, tested: OpenTestLog, runs: number): Promise<number> {
  let compared = 0
  const property = fc.asyncProperty(histories, async steps => {
    await using one = await spec({ delayMs })
    await using other = await tested({ delayMs })
    const logs = [one, other] as const
    const at = logs.map(() => ({ instant: 1, delayed: 1 }))
    for (const step of steps) {
      const [wanted, got] = await inTurn(logs, playing(step))
      expect(got).toEqual(wanted)
      for (const stream of streams) {
        const [shown, alsoShown] = await inTurn(logs, (log, i) => log.read(stream, at[i]![stream]))
        expect(alsoShown!.map(told(stream))).toEqual(shown!.map(told(stream)))
        for (const [i, { log }] of logs.entries()) at[i]![stream] = log[stream].last + 1
        compared += shown!.length
      }
      expect([other.log.held, other.log.nextReleaseUs === undefined]).toEqual([
        one.log.held,
        one.log.nextReleaseUs === undefined,
      ])
    }
    await replaysAgree(one, other)
    await other.reopen()
    await replaysAgree(one, other)
  })
  // Each try opens files and threads: smaller counterexamples are not worth the minutes.
  await fc.assert(property, { numRuns: runs, endOnFailure: true })
  return compared
}

/** A log may keep some more than it has to, of what lies together. */
async function replaysAgree(one: TestLog, other: TestLog): Promise<void> {
  for (const stream of streams) {
    const wanted = await one.read(stream)
    const all = await other.read(stream)
    const got = all.slice(all.length - wanted.length)
    expect(got.map(told(stream))).toEqual(wanted.map(told(stream)))
    const bodies = await one.log.bodies(wanted.map(({ timeUs }) => timeUs))
    const others = await other.log.bodies(got.map(({ timeUs }) => timeUs))
    expect(others.filter((_, i) => bodies[i])).toEqual(bodies.filter(Boolean))
    // More, but not others.
    for (const [i, body] of others.entries()) if (body) expect(body.cid).toBe(cidOf(got[i]!.rev))
  }
}

async function inTurn<T>(
  logs: readonly TestLog[],
  work: (log: TestLog, i: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  for (const [i, log] of logs.entries()) results.push(await work(log, i))
  return results
}

/** What a step does to a log, the same to each. */
function playing(step: Step): (test: TestLog) => Promise<unknown> {
  switch (step.kind) {
    case 'append': {
      const changes = step.changes.map(changeOf)
      return test => test.append(...changes)
    }
    case 'pass':
      return async test => test.pass(step.ms)
    case 'reopen':
      return test => test.reopen(step.ms)
    case 'retain': {
      return test => {
        const ago = (ms: number): number => (test.nowMs - ms) * 1000
        const [logUs, recordsUs, bodiesUs] = [ago(step.log), ago(step.records), ago(step.bodies)]
        return test.log.retain({ logUs, recordsUs, bodiesUs })
      }
    }
  }
}

function changeOf({ account: did, rkey, targets, hasBody }: AnyChange): Change {
  if (rkey === undefined) return { kind: 'delete_account', did }
  if (targets.length === 0) return { ...del(rkey), did }
  const made = { ...put(rkey, ...targets), did } as Extract<Change, { kind: 'put' }>
  return hasBody ? { ...made, body: { cid: cidOf(made.rev), json: JSON.stringify({ targets }) } } : made
}

function cidOf(rev: string): string {
  return `bafy${rev}`
}

/** All that is said of an entry but when. A deleted account's links have a rev of the time. */
function told(stream: Stream): (entry: LinkEntry) => string {
  return ({ operation, source, did, rkey, rev, subject, timeUs, ...modes }) => {
    const isOfTheTime = Math.abs((tidParts(rev)?.us ?? 0) - timeUs) < 1_000
    return [operation, modes[stream], source, did, rkey, isOfTheTime ? 'now' : rev, subject].join(' ')
  }
}
