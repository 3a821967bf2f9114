import { migrate, openDatabase } from '@orrery/storage'
import { expect, it } from 'vitest'
import { openAccountRecords } from './account-records.ts'
import { recordKey } from './records.ts'
import { migrations } from './schema.ts'

it('forgets what was added in a transaction that was rolled back, and no more', () => {
  const db = openDatabase(':memory:')
  db.function('record_key', recordKey as (...texts: unknown[]) => number)
  migrate(db, migrations)
  const records = openAccountRecords(db, 3)
  records.flush()
  records.add('did:plc:a', 1)
  records.settle()
  records.flush()
  records.add('did:plc:b', 2)
  records.add('did:plc:b', 3)
  // Not settled.
  records.flush()
  records.add('did:plc:a', 2)
  records.add('did:plc:a', 3)
  expect([...records.gatheredOf('did:plc:a', 3)]).toEqual([1, 2])
  expect([...records.gatheredOf('did:plc:b', 9)]).toEqual([])
  records.settle()
  // Enough for a run.
  records.flush()
  records.add('did:plc:a', 4)
  expect([...records.gatheredOf('did:plc:a', 9)]).toEqual([4])
  expect(records.take('did:plc:a', 3, 9)).toEqual([1, 2])
  expect(records.take('did:plc:a', 9, 9)).toEqual([3])
  expect(records.take('did:plc:b', 9, 9)).toEqual([])
  db.close()
})

it('keys of records that are TIDs rise with time, and all others are below', () => {
  const [early, late] = ['3lv4ouczo2b2a', '3lv4ousbk2c2a']
  const key = (path: string): number => recordKey('did:plc:a', path)
  expect(key(`a.b.c/${early}`)).toBeLessThan(key(`a.b.c/${late}`))
  expect(key('a.b.c/self')).toBeLessThan(0)
  expect(Number.isSafeInteger(key('a.b.c/jzzzzzzzzzzzz'))).toBe(true)
  expect(key(`a.b.c/${early}`)).not.toBe(key(`a.b.d/${early}`))
})
