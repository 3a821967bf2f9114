import { describe, expect, it } from 'vitest'
import { makeEntry } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'
import type { Filter, Subscriber } from './subscriber.ts'

/** A filter of its own, that notes in `turns` whenever it is asked. */
function noting(name: string, turns: string[], onTurn?: () => void): Filter {
  return {
    key: name,
    select() {
      turns.push(name)
      onTurn?.()
      return []
    },
  }
}

/** Batches of one block. */
const aBlockEach = { batchBytes: 1 }

describe('those who replay', () => {
  it('take turns, a batch each', async () => {
    const log = new FakeLog()
    for (let i = 1; i <= 200; i++) log.append([makeEntry(i, 0)])
    await using server = await startHub(log, aBlockEach)
    const turns: string[] = []
    const names = ['a', 'b', 'c', 'd', 'e']
    const clients = []
    for (const name of names) {
      clients.push(await server.subscribe({ idle: true, position: 1, filter: noting(name, turns) }))
    }
    for (const { subscriber } of clients) server.hub.start(subscriber)
    await until(() => turns.length === 1_000)
    for (let i = 0; i < turns.length; i += names.length)
      expect(turns.slice(i, i + 5).toSorted()).toEqual(names)
  })

  it('do not keep those waiting who are live', async () => {
    const log = new FakeLog()
    const blocks = 2_000
    for (let i = 1; i <= blocks; i++) log.append([makeEntry(i, 0)])
    await using server = await startHub(log, aBlockEach)
    const turns: string[] = []
    const live = await server.subscribe({ filter: noting('live', turns) })
    await until(() => live.subscriber.state === 'live')
    let publishedAt = 0
    const replaying: { subscriber: Subscriber }[] = []
    for (let i = 0; i < 20; i++) {
      replaying.push(
        await server.subscribe({
          idle: true,
          position: 1,
          filter: noting(`replay ${i}`, turns, () => {
            if (turns.length !== 1_000) return
            log.append([makeEntry(blocks + 1, 0)])
            server.hub.published()
            publishedAt = turns.length
          }),
        }),
      )
    }
    for (const { subscriber } of replaying) server.hub.start(subscriber)
    await until(() => replaying.every(({ subscriber }) => subscriber.state === 'live'))
    const waited = turns.indexOf('live') - publishedAt
    expect(publishedAt).toBe(1_000)
    expect(waited).toBeGreaterThanOrEqual(0)
    // Of the 39,000 turns that were still to come, those of a tick's time.
    expect(waited).toBeLessThan(8_000)
  })

  it('from disk do not either, however long the disk takes', async () => {
    const gate = Promise.withResolvers<void>()
    const log = new FakeLog({ recentBytes: 0 })
    for (let i = 1; i <= 10; i++) log.append([makeEntry(i, 0)])
    log.hold = gate.promise
    await using server = await startHub(log)
    const slow = await server.subscribe({ position: 1 })
    const live = await server.subscribe()
    await until(() => log.reads === 1)
    log.append([makeEntry(11, 0)])
    server.hub.published()
    await until(() => live.texts.length === 1)
    expect(slow.texts).toEqual([])
    gate.resolve()
    await until(() => slow.texts.length === 11)
  })
})
