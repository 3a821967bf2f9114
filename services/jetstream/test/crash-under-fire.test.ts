import { expect, it } from 'vitest'
import { fire } from './support/under-fire.ts'

it('kill -9 under load loses nothing that was received and doubles nothing that was sent', async () => {
  const fired = await fire({
    seed: Number(process.env.TEST_SEED ?? Date.now() % 1_000_000),
    kills: 3,
    perSecond: 500,
  })
  console.log(fired)
  expect(fired.receiving).toBeGreaterThan(1)
  expect(fired.resumed).toBeGreaterThan(1)
}, 120_000)
