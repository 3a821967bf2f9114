import { expect, it } from 'vitest'
import { StorageError } from './errors.ts'
import { untilRoom } from './when-full.ts'

function setUp(failures: Error[]) {
  const said: string[] = []
  const stop = new AbortController()
  let done = 0
  const work = async (): Promise<void> => {
    const failure = failures.shift()
    if (failure) throw failure
    done++
  }
  const run = (): Promise<boolean> =>
    untilRoom(work, {
      logger: { error: (_, message) => said.push(message), info: message => said.push(message) },
      signal: stop.signal,
      stopped: 'writing has stopped',
      remedy: 'or write less',
      pauseMs: 5,
    })
  return { said, stop, run, done: () => done }
}

const full = (): Error => new StorageError('full', 'no room')

it('says nothing where there is room', async () => {
  const { run, said, done } = setUp([])
  expect(await run()).toBe(true)
  expect([said, done()]).toEqual([[], 1])
})

it('tries until there is room', async () => {
  const { run, said, done } = setUp([full(), full()])
  expect(await run()).toBe(true)
  const isFull =
    'the disk is full: writing has stopped, nothing is lost. Make room, or write less; trying again every 0.005 s'
  expect([said, done()]).toEqual([[isFull, isFull, 'there is room on the disk again; going on'], 1])
})

it('ends with the signal', async () => {
  const { run, stop, said, done } = setUp(Array.from({ length: 1000 }, full))
  setTimeout(() => stop.abort(), 20)
  expect(await run()).toBe(false)
  expect(said.length).toBeGreaterThan(0)
  expect(done()).toBe(0)
})

it('throws every other failure at once', async () => {
  const { run } = setUp([new StorageError('io', 'broken')])
  await expect(run()).rejects.toThrow('broken')
})
