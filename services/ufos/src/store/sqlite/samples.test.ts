import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, assert as check, asyncProperty, constantFrom, nat, record } from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Change } from '../../store.ts'
import { MemoryStore } from '../memory.ts'
import { create, remove, removeAccount, startHour, timeOf, update } from '../testing/helpers.ts'
import { openHere } from '../testing/tested-sqlite.ts'

let folder: string
let runs = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ufos-samples-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const nsids = ['a.a.a', 'a.a.b']
const limits = { maxCollections: 9, samplesKept: 4 }

// Few records, and times that mostly rise: many changes to one record in a batch, and more of a collection than is kept.
const change = record({
  make: constantFrom(create, create, create, create, update, remove, undefined),
  nsid: constantFrom(...nsids),
  who: nat(7),
  rkey: constantFrom('x', 'y'),
  late: nat(9),
})
const batches = array(
  record({
    changes: array(change, { maxLength: 40, size: 'max' }),
    isInOrder: constantFrom(true, true, false),
  }),
  { minLength: 1, maxLength: 6 },
)

it('has the newest records of each collection, as they are, after any batches', async () => {
  expect.hasAssertions()
  await check(
    asyncProperty(batches, async history => {
      const memory = new MemoryStore(limits)
      await using store = openHere(join(folder, `${runs++}`), limits)
      let us = 0
      for (const { changes, isInOrder } of history) {
        const batch = changes.map(({ make, nsid, who, rkey, late }): Change => {
          us++
          const timeUs = timeOf(0, isInOrder ? us : us - late * 20)
          return make ? make(nsid, who, { rkey, timeUs, text: `${us}` }) : removeAccount(who)
        })
        memory.apply(batch)
        await store.apply(batch)
        const query = { collections: nsids, limit: 100 }
        expect(await store.reader.samples(query)).toEqual(await memory.samples(query))
      }
      await store.tidy()
      const samples = await memory.samples({ collections: nsids, limit: 100 })
      const bytes = samples.reduce((sum, { json }) => sum + json.length + 200, 0)
      expect(await store.reader.stats()).toMatchObject({ samples: samples.length, sampleBytes: bytes })
    }),
    { numRuns: 100 },
  )
}, 120_000)

it('replaces what is newer than all of a large batch too', async () => {
  await using store = openHere(join(folder, `${runs++}`), limits)
  const { reader } = store
  await store.apply([
    create('a.a.a', 1, { timeUs: (startHour + 9) * 3_600_000_000, text: 'ahead' }),
    create('a.a.a', 2, { timeUs: (startHour + 9) * 3_600_000_000, text: 'deleted' }),
  ])
  const many = Array.from({ length: 9 }, (_, i) => create('a.a.a', 10 + i, { timeUs: timeOf(0, i) }))
  await store.apply([remove('a.a.a', 2), create('a.a.a', 1, { timeUs: timeOf(0, 0), text: 'late' }), ...many])
  const dids = (await reader.samples({ collections: ['a.a.a'], limit: 9 })).map(({ did }) => did)
  expect(dids).toEqual([18, 17, 16, 15].map(who => `did:plc:${who}`))
})
