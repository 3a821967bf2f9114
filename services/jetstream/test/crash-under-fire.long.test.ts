import { expect, it } from 'vitest'
import { testSeed } from './support/seed.ts'
import { fire } from './support/under-fire.ts'

it(`kill -9 at 20 moments under 2,000 events a second loses nothing and doubles nothing; seed=${testSeed}`, async () => {
  const fired = await fire({ seed: testSeed, kills: 20, perSecond: 2_000 })
  expect(fired.starting).toBeGreaterThan(0)
  expect(fired.receiving).toBeGreaterThan(10)
  expect(fired.behind).toBeGreaterThan(5)
  expect(fired.resumed).toBeGreaterThan(20)
})
