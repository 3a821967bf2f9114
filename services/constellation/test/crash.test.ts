import { expect, it } from 'vitest'
import { crashRounds } from './crash-rounds.ts'

it('an index that is killed under load is the same as one that is not', async () => {
  const { killed, unbroken, sent } = await crashRounds({ kills: 3, rate: 300, seed: 5 })
  expect(sent).toBeGreaterThan(500)
  expect(unbroken.lists.length).toBeGreaterThan(100)
  expect(killed).toEqual(unbroken)
  expect(killed.totals.links).toBe(killed.recounted.links)
  expect(killed.totals.records).toBe(killed.recounted.records)
}, 120_000)
