import { expect, it } from 'vitest'
import { cutOverProperty } from './support/cut-over-property.ts'

const first = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000)

// As much memory as a service has by default, hardly any, and something between.
it.each([
  { recent: '32MiB', replay: '32MiB' },
  { recent: '1KiB', replay: '1KiB' },
  { recent: '1MiB', replay: '256KiB' },
])(
  'subscribers of every kind get exactly what they ask for, with memory for %o',
  async ({ recent, replay }) => {
    for (let seed = first; seed < first + 2; seed++) {
      const tried = await cutOverProperty(seed, 20, {
        'memory-for-recent': recent,
        'memory-for-replay': replay,
      })
      expect(Object.entries(tried).filter(([, times]) => times === 0)).toEqual([])
    }
  },
)
