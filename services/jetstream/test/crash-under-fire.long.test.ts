import { expect, it } from 'vitest'
import { fire } from './support/under-fire.ts'

it('kill -9 at 20 moments under 2,000 events a second loses nothing that was received and doubles nothing', async () => {
  const fired = await fire({
    seed: Number(process.env.TEST_SEED ?? Date.now() % 1_000_000),
    kills: 20,
    perSecond: 2_000,
  })
  console.log(fired)
  expect(fired.starting).toBeGreaterThan(0)
  expect(fired.receiving).toBeGreaterThan(10)
  expect(fired.behind).toBeGreaterThan(5)
  expect(fired.resumed).toBeGreaterThan(20)
}, 600_000)
