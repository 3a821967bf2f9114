import { expect, it } from 'vitest'
import { historiesAgree, replaysChangeNothing } from './testing/histories/agree.ts'
import { createJournaledStore } from './testing/journaled-store.ts'
import { createRecount } from './testing/recount.ts'

const open = async () => createJournaledStore()

it('answers as a recount from scratch does, whatever happens', async () => {
  const tally = await historiesAgree(async () => createRecount(), open, { runs: 30 })
  expect(tally.pages).toBeGreaterThan(1_500)
  expect(tally.items).toBeGreaterThan(1_500)
  expect(tally.groups).toBeGreaterThan(300)
}, 120_000)

it('is changed by no replay', async () => {
  await expect(replaysChangeNothing(open, { runs: 50 })).resolves.toBeUndefined()
}, 120_000)
