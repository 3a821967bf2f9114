import { expect, it } from 'vitest'
import { testSeed } from './support/seed.ts'
import { fire } from './support/under-fire.ts'

it(`kill -9 under load loses nothing that was received and doubles nothing that was sent; seed=${testSeed}`, async () => {
  const fired = await fire({ seed: testSeed, kills: 3, perSecond: 500 })
  expect(fired.receiving).toBeGreaterThan(1)
  expect(fired.resumed).toBeGreaterThan(1)
}, 120_000)
