import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  array,
  asyncProperty,
  assert as check,
  boolean,
  constantFrom,
  integer,
  oneof,
  record,
} from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { History, type Step } from './interleavings.ts'

// Whatever order events, questions to PDSes, answers, restarts and crashes come in, nobody is ever answered a version
// older than one that was answered, or taken in, before they asked.

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slingshot-interleavings-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const key = constantFrom('a/x', 'a/x', 'a/y', 'b/x')
const step = oneof(
  {
    weight: 6,
    arbitrary: record({
      do: constantFrom('write' as const),
      key,
      isDelete: boolean(),
      secondsLater: integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 6, arbitrary: record({ do: constantFrom('ask' as const), key }) },
  {
    weight: 5,
    arbitrary: record({ do: constantFrom('deliver' as const), events: integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 5,
    arbitrary: record({
      do: constantFrom('answer' as const),
      isLate: boolean(),
      margin: integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 8, arbitrary: record({ do: constantFrom('wait' as const) }) },
  {
    weight: 1,
    arbitrary: record({
      do: constantFrom('restart' as const),
      loses: constantFrom('nothing', 'the commit', 'the news'),
    }),
  },
  {
    weight: 1,
    arbitrary: record({ do: constantFrom('lose' as const), events: integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: record({ do: constantFrom('mislay' as const), events: integer({ min: 1, max: 2 }) }),
  },
  { weight: 1, arbitrary: record({ do: constantFrom('away' as const), did: constantFrom('a', 'b') }) },
)

const wait: Step = { do: 'wait' }
/** Nothing is under way, and nothing that is known is trusted: whoever asks next asks the PDS. */
const anew: Step[] = [{ do: 'settle' }, { do: 'lose', events: 0 }, wait]

interface Ahead {
  key: string
  writes: number
  isDelete: boolean
  margin: number
}

/** The PDS is ahead of its events: what it says has more of them in it than have come when the first of them does. */
function aheadOfEvents({ key: at, writes, isDelete, margin }: Ahead): Step[] {
  const written = Array.from({ length: writes }, (_, i): Step => ({
    do: 'write',
    key: at,
    isDelete: isDelete && i === 0,
    secondsLater: i,
  }))
  const ask: Step = { do: 'ask', key: at }
  const answer: Step = { do: 'answer', isLate: true, margin }
  return [...anew, ...written, ask, answer, wait, { do: 'deliver', events: 1 }, wait, ask, wait]
}

interface Behind {
  key: string
  isDelete: boolean
  secondsLater: number
}

/** The PDS is behind its clock: what it says lacks what was written before the time that it says. */
function behindClock({ key: at, isDelete, secondsLater }: Behind): Step[] {
  const first: Step = { do: 'write', key: at, isDelete: false, secondsLater: 4 }
  const second: Step = { do: 'write', key: at, isDelete, secondsLater }
  const ask: Step = { do: 'ask', key: at }
  const answer: Step = { do: 'answer', isLate: false, margin: 2 }
  return [first, ...anew, ask, second, answer, wait, { do: 'deliver', events: 3 }, wait, ask, wait]
}

interface Lost {
  isDelete: boolean
  secondsLater: number
}

/** What is known of one record is lost on its way, which shows at the next event for another one of the account. */
function lostOnTheWay({ isDelete, secondsLater }: Lost): Step[] {
  const write = (at: string, isGone: boolean): Step => ({
    do: 'write',
    key: at,
    isDelete: isGone,
    secondsLater,
  })
  const deliver: Step = { do: 'deliver', events: 9 }
  const ask: Step = { do: 'ask', key: 'a/x' }
  const known = [...anew, write('a/x', false), deliver, wait, ask]
  return [
    ...known,
    write('a/x', isDelete),
    { do: 'mislay', events: 1 },
    write('a/y', false),
    deliver,
    wait,
    ask,
  ]
}

const small = integer({ min: 0, max: 2 })
const lost = record({ isDelete: boolean(), secondsLater: small })
const ahead = record({ key, writes: integer({ min: 2, max: 3 }), isDelete: boolean(), margin: small })
const behind = record({ key, isDelete: boolean(), secondsLater: small })

const steps = array(
  oneof(
    { weight: 12, arbitrary: step.map(one => [one]) },
    { weight: 1, arbitrary: ahead.map(aheadOfEvents) },
    { weight: 1, arbitrary: behind.map(behindClock) },
    { weight: 1, arbitrary: lost.map(lostOnTheWay) },
  ),
  { minLength: 10, maxLength: 60 },
).map(parts => parts.flat() as Step[])

it('no interleaving answers an older version', async () => {
  let runs = 0
  let answers = 0
  let overtaken = 0
  await check(
    asyncProperty(steps, async all => {
      const at = join(folder, `${runs++}`)
      const history = await History.open(at)
      try {
        for (const one of all) await history.do(one)
        await history.finish()
        expect(history.tooOld).toEqual([])
        answers += history.answers
      } finally {
        await history.close()
        overtaken += history.overtaken
        rmSync(at, { recursive: true, force: true })
      }
    }),
    // Each opens files and a thread: smaller counterexamples are not worth the minutes.
    { numRuns: 30, endOnFailure: true },
  )
  // It did happen.
  expect(answers).toBeGreaterThan(100)
  expect(overtaken).toBeGreaterThan(0)
}, 120_000)
