import { expect, it } from 'vitest'
import { neverTried } from './support/cut-over-check.ts'
import { cutOverProperty } from './support/cut-over-property.ts'
import { testSeed } from './support/seed.ts'

it(`subscribers of every kind get every event that they ask for, once and in order; seed=${testSeed}`, async () => {
  const tried = await cutOverProperty(testSeed, 2, {
    'memory-for-recent': '256KiB',
    'memory-for-replay': '1MiB',
  })
  // A second without an event is rare in runs as short as these.
  expect(neverTried(tried).filter(name => name !== 'heartbeat')).toEqual([])
}, 90_000)
