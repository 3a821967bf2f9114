import { expect, it } from 'vitest'
import { importRounds } from './import-rounds.ts'

it('a large recording is taken in whole in bounded memory, however often it is killed', async () => {
  const { written, told, plain, compressed, killed, killedAt, peakRss, again } = await importRounds({
    lines: 400_000,
    kills: 4,
    seed: 4,
  })
  console.info({ written, killedAt, peakMiB: Math.round((peakRss ?? 0) / 2 ** 20), ...plain.totals })
  expect(told).toEqual([written, written])
  expect(plain.totals.links).toBe(plain.recounted.links)
  expect(compressed).toEqual(plain)
  expect(killed).toEqual(plain)
  expect(again).toEqual(plain)
  expect(peakRss ?? 0).toBeLessThan(600 * 2 ** 20)
}, 600_000)
