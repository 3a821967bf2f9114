import { expect, it } from 'vitest'
import { neverTried } from './support/cut-over-check.ts'
import { cutOverProperty } from './support/cut-over-property.ts'
import { testSeed } from './support/seed.ts'

// As much memory as a service has by default, hardly any, and something between.
it.each([
  { recent: '32MiB', replay: '32MiB' },
  { recent: '1KiB', replay: '1KiB' },
  { recent: '1MiB', replay: '256KiB' },
])(
  `subscribers of every kind get every event that they ask for, with memory for %o; seed=${testSeed}`,
  async ({ recent, replay }) => {
    for (let seed = testSeed; seed < testSeed + 2; seed++) {
      const tried = await cutOverProperty(seed, 20, {
        'memory-for-recent': recent,
        'memory-for-replay': replay,
      })
      expect(neverTried(tried)).toEqual([])
    }
  },
)
