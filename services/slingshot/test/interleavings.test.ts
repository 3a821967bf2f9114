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
import { History } from './interleavings.ts'

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
  { weight: 1, arbitrary: record({ do: constantFrom('away' as const), did: constantFrom('a', 'b') }) },
)

it('no interleaving answers an older version', async () => {
  let runs = 0
  let answers = 0
  let overtaken = 0
  await check(
    asyncProperty(array(step, { minLength: 10, maxLength: 80 }), async steps => {
      const at = join(folder, `${runs++}`)
      const history = await History.open(at)
      try {
        for (const one of steps) await history.do(one)
        await history.finish()
        expect(history.tooOld).toEqual([])
        answers += history.answers
      } finally {
        await history.close()
        overtaken += history.overtaken
        rmSync(at, { recursive: true, force: true })
      }
    }),
    { numRuns: 30 },
  )
  // It did happen.
  expect(answers).toBeGreaterThan(100)
  expect(overtaken).toBeGreaterThan(0)
}, 120_000)
