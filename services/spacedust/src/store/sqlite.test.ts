import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import { expect, it } from 'vitest'
import { describeLog } from '../testing/describe-log.ts'
import { del, openTestLog, put } from '../testing/test-log.ts'
import { fileName } from './schema.ts'

describeLog('a log in SQLite', openTestLog)
// Nothing stays in memory, and all is cut as small as it can be: what a long history comes to.
describeLog('a log in SQLite of small pieces', options =>
  openTestLog({ ...options, sealEntries: 1, runLength: 2, recentBytes: 1 }),
)

it('retention lets whole blocks go, those that ended before', async () => {
  await using test = await openTestLog({ sealEntries: 2, recentBytes: 100 })
  for (let i = 0; i < 20; i++) {
    await test.append(put(`r${i}`, 'x', 'y'))
    test.pass(10_000)
  }
  const middle = (await test.read('instant')).find(({ rkey }) => rkey === 'r10')
  await test.log.retain({ logUs: middle!.timeUs, recordsUs: 0, bodiesUs: 0 })
  expect((await test.shown('instant')).slice(0, 3)).toEqual(['+r10 x', '+r10 y', '+r11 x'])
})

it('takes over a log whose index went by accounts', async () => {
  await using test = await openTestLog()
  const { did } = put('r', 'x')
  await test.append(put('3lv4ouczo2b2a', 'x'), put('self', 'y'), put('gone', 'y'))
  test.pass(30_000)
  await test.append(del('gone'))
  await test.close()
  using stack = new DisposableStack()
  const db = stack.adopt(openDatabase(join(test.folder, fileName)), opened => opened.close())
  db.exec('DROP TABLE account_runs; DROP TABLE account_records; UPDATE records SET key = at_us % 1000')
  db.pragma('user_version = 2')
  stack.dispose()
  await test.reopen()
  await test.append(del('3lv4ouczo2b2a'))
  await test.append({ kind: 'delete_account', did })
  expect((await test.shown('instant')).slice(-2)).toEqual(['-3lv4ouczo2b2a x', '-self y'])
})
