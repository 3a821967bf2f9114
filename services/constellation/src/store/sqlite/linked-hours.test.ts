import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { LinkedHours } from './linked-hours.ts'
import { dayKey, hoursOf } from './schema.ts'

const hour = fc.record({ did: fc.integer({ min: 1, max: 2 ** 28 - 1 }), hour: fc.nat(2 ** 20) })
const near = fc.record({
  did: fc.integer({ min: 1, max: 3 }),
  hour: fc.integer({ min: 490_000, max: 490_100 }),
})

it('tells of each day once, in order, with its hours', () => {
  const linked = new LinkedHours()
  fc.assert(
    fc.property(fc.array(fc.oneof(hour, near), { maxLength: 3_000, size: 'max' }), added => {
      for (const each of added) linked.add(each.did, each.hour)
      const days: number[] = []
      const told: string[] = []
      linked.eachDay((id, hours) => {
        days.push(id)
        for (const of of hoursOf({ id, hours })) told.push(`${id} ${of}`)
      })
      linked.clear()
      expect(days).toEqual([...new Set(days)].toSorted((a, b) => a - b))
      const expected = new Set(added.map(each => `${dayKey(each.did, each.hour)} ${each.hour}`))
      expect(told.toSorted()).toEqual([...expected].toSorted())
    }),
    { numRuns: 30 },
  )
})
