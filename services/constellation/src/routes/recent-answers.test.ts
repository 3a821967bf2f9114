import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { likers, noProgress, put, startMs } from '../store/testing/test-index.ts'
import { RecentAnswers } from './recent-answers.ts'

it('keeps short answers until the first commit', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const { reader, writer } = stack.use(
    await openSqliteStore({
      folder,
      onFailure(error) {
        throw error
      },
    }),
  )
  const recent = new RecentAnswers(reader)
  const ask = async (): Promise<string> => {
    const { version } = reader
    const text = JSON.stringify(await reader.counts([likers]))
    recent.set('/count', text, version)
    return text
  }
  const none = await ask()
  expect(recent.get('/count')).toBe(none)
  expect(recent.get('/other')).toBeUndefined()

  // What was asked before a commit and is told after it is no answer any more.
  const { version } = reader
  await writer.apply([put('a1')], noProgress, startMs)
  expect(recent.get('/count')).toBeUndefined()
  recent.set('/late', none, version)
  expect(recent.get('/late')).toBeUndefined()
  expect(await ask()).not.toBe(none)
  expect(recent.get('/count')).toContain('"records":1')

  recent.set('/long', 'x'.repeat(1_000), reader.version)
  expect(recent.get('/long')).toBeUndefined()
  for (let i = 0; i < 5_000; i++) recent.set(`/${i}`, none, reader.version)
  expect(recent.get('/4999')).toBe(none)
  expect(recent.get('/0')).toBeUndefined()
})

it('keeps nothing of a state that is being left', () => {
  const reader: { version: number | undefined } = { version: 2 }
  const recent = new RecentAnswers(reader)
  recent.set('/count', '1', reader.version)
  expect(recent.get('/count')).toBe('1')
  reader.version = undefined
  expect(recent.get('/count')).toBeUndefined()
  recent.set('/count', '2', reader.version)
  reader.version = 4
  expect(recent.get('/count')).toBeUndefined()
})
