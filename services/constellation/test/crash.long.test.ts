import { expect, it } from 'vitest'
import { crashRounds } from './crash-rounds.ts'

it('an index that is killed twenty times under load is the same as one that is not', async () => {
  const { killed, unbroken, sent } = await crashRounds({ kills: 20, rate: 1_000, seed: 7 })
  expect(sent).toBeGreaterThan(10_000)
  expect(killed).toEqual(unbroken)
  expect(killed.totals.links).toBe(killed.recounted.links)
  expect(killed.totals.records).toBe(killed.recounted.records)
}, 600_000)
