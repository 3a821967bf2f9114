import { expect, it } from 'vitest'
import { crashRounds } from './crash-rounds.ts'

it.each([1, 2])(
  'what was killed twenty times under load sends what an unbroken one would (seed %i)',
  async seed => {
    const { got, wanted } = await crashRounds({ kills: 10, seed })
    expect(got.instant).toEqual(wanted.instant)
    expect(got.delayed).toEqual(wanted.delayed)
  },
  600_000,
)
