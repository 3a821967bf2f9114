import { expect, it } from 'vitest'
import { historiesAgree, replaysChangeNothing } from './testing/histories/agree.ts'
import { createJournaledStore } from './testing/journaled-store.ts'
import { createRecount } from './testing/recount.ts'

const open = async () => createJournaledStore()

it('answers as a recount from scratch does, in hundreds of long histories', async () => {
  const tally = await historiesAgree(async () => createRecount(), open, { runs: 400, steps: 120 })
  expect(tally.items).toBeGreaterThan(100_000)
})

it('is changed by no replay, in a thousand histories', async () => {
  await expect(replaysChangeNothing(open, { runs: 1_000 })).resolves.toBeUndefined()
})
