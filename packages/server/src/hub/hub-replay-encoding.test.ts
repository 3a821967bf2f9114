import { expect, it } from 'vitest'
import type { Encoding } from './subscriber.ts'
import { makeEntry } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

/** Text, with the position of each entry before it. */
const marked = (name: string): Encoding => ({
  name,
  isText: true,
  encode: async (texts, positions) =>
    texts.map((text, i) => Buffer.from(`${name} ${positions?.[i] ?? 'none'} ${text.toString().slice(0, 9)}`)),
})

it('entries come in one encoding until all are there, and in another from then on', async () => {
  const log = new FakeLog()
  for (let i = 1; i <= 3; i++) log.append([makeEntry(i, 0, 20)])
  await using server = await startHub(log)
  const replayed = await server.subscribe({ position: 1, replayEncoding: marked('replay') })
  const both = await server.subscribe({
    position: 2,
    replayEncoding: marked('replay'),
    encoding: marked('live'),
    heartbeatMs: 300,
  })
  await until(() => replayed.texts.length === 3 && both.texts.length === 2)
  await until(() => replayed.subscriber.state === 'live' && both.subscriber.state === 'live')
  log.append([makeEntry(4, 0, 20)])
  server.hub.published()
  await until(() => replayed.texts.length === 4 && both.texts.length >= 3)
  const heads = (texts: string[]): string[] => texts.map(text => text.split(' ').slice(0, 2).join(' '))
  expect(heads(replayed.texts.slice(0, 3))).toEqual(['replay 1', 'replay 2', 'replay 3'])
  expect(replayed.texts[3]).toMatch(/^4/)
  expect(heads(both.texts.slice(0, 3))).toEqual(['replay 2', 'replay 3', 'live 4'])
  await until(() => both.texts.length > 3)
  expect(both.texts[3]).toBe('live none heartbeat')
  expect([...replayed.binaries, ...both.binaries]).toEqual([])
})
