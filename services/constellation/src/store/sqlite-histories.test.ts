import { describe, expect, it } from 'vitest'
import { historiesAgree, replaysChangeNothing } from './testing/histories/agree.ts'
import { createRecount } from './testing/recount.ts'
import { openTestedSqlite } from './testing/tested-sqlite.ts'

describe.each([
  ['rows of the usual length', {}],
  ['short rows, which are cut all the time', { maxRowBytes: 30 }],
])('with %s', (_, options) => {
  const open = () => openTestedSqlite(options)

  it('answers as a recount from scratch does, whatever happens', async () => {
    const tally = await historiesAgree(async () => createRecount(), open, { runs: 8 })
    expect(tally.pages).toBeGreaterThan(300)
    expect(tally.items).toBeGreaterThan(300)
    expect(tally.groups).toBeGreaterThan(50)
  }, 120_000)

  it('is changed by no replay', async () => {
    await expect(replaysChangeNothing(open, { runs: 15 })).resolves.toBeUndefined()
  }, 120_000)
})
