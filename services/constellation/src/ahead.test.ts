import { expect, it } from 'vitest'
import { Ahead } from './ahead.ts'

it('has room for calls up to what they weigh, and for more as they are done', async () => {
  const ahead = new Ahead(6)
  const calls = [1, 2, 3].map(() => Promise.withResolvers<void>())
  for (const { promise } of calls.slice(0, 2)) {
    await ahead.room()
    ahead.add(promise, 5)
  }
  let hasRoom = false
  const room = ahead.room().then(() => (hasRoom = true))
  await new Promise(setImmediate)
  expect(hasRoom).toBe(false)
  calls[0]!.resolve()
  await room
  ahead.add(calls[2]!.promise, 1)
  let isDone = false
  const done = ahead.done().then(() => (isDone = true))
  calls[1]!.resolve()
  await new Promise(setImmediate)
  expect(isDone).toBe(false)
  calls[2]!.resolve()
  await done
})

it('throws what the first call failed with, and says when the others are done with', async () => {
  const ahead = new Ahead(9)
  const last = Promise.withResolvers<void>()
  for (const call of [Promise.resolve(), Promise.reject(new Error('first')), last.promise]) ahead.add(call, 1)
  await new Promise(setImmediate)
  await expect(ahead.room()).rejects.toThrow('first')
  let isSettled = false
  const settled = ahead.settled().then(() => (isSettled = true))
  await new Promise(setImmediate)
  expect(isSettled).toBe(false)
  last.reject(new Error('second'))
  await settled
  await expect(ahead.done()).rejects.toThrow('first')
})
