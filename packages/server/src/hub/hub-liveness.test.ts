import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { fakeEncoding } from './testing/encodings.ts'
import { FakeLog } from './testing/fake-log.ts'
import { makeEntry } from './testing/entries.ts'
import { defaults, startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

const pong = 0x0a
const ping = 0x09
const text = 0x01

describe('a client that answers no pings', () => {
  it('is terminated after three rounds, and counted', async () => {
    await using server = await startHub(new FakeLog(), { pingMs: 40 })
    const { hub } = server
    const living = await server.subscribe()
    const { server: end, client } = await server.connectRaw()
    using _ = client
    // By the hub's own doing: on a busy machine the third ping and the end may arrive together.
    const pingedAt: number[] = []
    let endedAt = 0
    const sendPing = end.socket.ping.bind(end.socket)
    const terminate = end.socket.terminate.bind(end.socket)
    end.socket.ping = () => {
      pingedAt.push(performance.now())
      sendPing()
    }
    end.socket.terminate = () => {
      endedAt = performance.now()
      terminate()
    }
    hub.add({ ...end, ...defaults })
    await until(() => client.ended)
    expect(pingedAt).toHaveLength(3)
    // The third has a round's time to be answered too.
    expect(endedAt - pingedAt[2]!).toBeGreaterThan(20)
    // Three pings, and no goodbye: nobody is there to hear it.
    expect(client.frames().map(frame => frame.opcode)).toEqual([ping, ping, ping])
    expect(hub.stats.dropped).toEqual({ slow: 0, dead: 1, outrun: 0, error: 0 })
    expect(hub.counts).toEqual({ live: 1, behind: 0 })
    expect(living.closed).toBeUndefined()
  })

  it.each([
    ['unsolicited pongs', pong],
    ['messages', text],
    ['pings of its own', ping],
  ])('but sends %s is alive', async (_name, opcode) => {
    await using server = await startHub(new FakeLog(), { pingMs: 40 })
    const { server: end, client } = await server.connectRaw()
    using _ = client
    const subscriber = server.hub.add({ ...end, ...defaults })
    const sending = setInterval(() => client.send(opcode, Buffer.from('x')), 10)
    await until(() => client.frames().filter(frame => frame.opcode === ping).length >= 8)
    clearInterval(sending)
    expect(client.ended).toBe(false)
    expect(subscriber.state).toBe('live')
    expect(server.hub.stats.dropped.dead).toBe(0)
  })
})

it('control frames stand between whole frames of data', async () => {
  const log = new FakeLog()
  await using server = await startHub(log, { pingMs: 5 })
  const { server: end, client } = await server.connectRaw()
  using _ = client
  const subscriber = server.hub.add({ ...end, ...defaults })
  let pings = 0
  const sending = setInterval(() => client.send(ping, Buffer.from(`ping ${pings++}`)), 1)
  for (let i = 0; i < 150; i++) {
    log.append([makeEntry(2 * i + 1, 0, i * 1_000), makeEntry(2 * i + 2, 0, i)])
    server.hub.published()
    await sleep(1)
    client.send(pong)
  }
  clearInterval(sending)
  await until(() => subscriber.position > log.last)
  server.hub.close(subscriber, 1008, 'enough')
  await until(() => client.frames().some(frame => frame.opcode === 8))
  // Reading them is the test: every frame of the whole stream is one.
  const frames = client.frames()
  const sent = frames.filter(frame => frame.opcode === text).map(frame => frame.payload.toString())
  expect(sent).toEqual(log.entries.map(entry => entry.text))
  const answers = frames.filter(frame => frame.opcode === pong).map(frame => frame.payload.toString())
  expect(answers).toEqual(Array.from(answers, (_name, i) => `ping ${i}`))
  expect(answers.length).toBeGreaterThan(10)
  expect(frames.filter(frame => frame.opcode === ping).length).toBeGreaterThan(10)
  const last = frames.at(-1)!
  expect([last.opcode, last.payload.readUInt16BE(0), last.payload.toString('utf8', 2)]).toEqual([
    8,
    1008,
    'enough',
  ])
})

describe('a client that closes', () => {
  it('gets its own code back, and nothing behind that, however busy the log', async () => {
    const log = new FakeLog()
    await using server = await startHub(log)
    let position = 0
    const publishing = setInterval(() => {
      log.append([makeEntry(++position, 0, 20_000)])
      server.hub.published()
    }, 1)
    for (let i = 0; i < 10; i++) {
      const { server: end, client } = await server.connectRaw({ allowHalfOpen: true })
      const encoding = i % 2 === 0 ? undefined : fakeEncoding('e', () => 2)
      const subscriber = server.hub.add({ ...end, ...defaults, encoding })
      await sleep(5)
      client.send(8, Buffer.concat([Buffer.from([0x0f, 0xa0]), Buffer.from('bye')]))
      // Far away, it takes a while for the end to arrive and for its own to come back.
      await sleep(20)
      expect(subscriber.stream.errored).toBeNull()
      expect(subscriber.state).toBe('closed')
      client.socket.end()
      await until(() => client.ended)
      const frames = client.frames()
      const at = frames.findIndex(frame => frame.opcode === 8)
      expect(at).toBe(frames.length - 1)
      expect(frames[at]!.payload.readUInt16BE(0)).toBe(4000)
    }
    clearInterval(publishing)
    expect(server.hub.counts).toEqual({ live: 0, behind: 0 })
    expect(server.hub.stats.dropped).toEqual({ slow: 0, dead: 0, outrun: 0, error: 0 })
  })

  it('is let go when it vanishes', async () => {
    const log = new FakeLog()
    await using server = await startHub(log)
    const client = await server.subscribe()
    client.socket.terminate()
    await until(() => server.hub.counts.live + server.hub.counts.behind === 0)
    log.append([makeEntry(1, 0)])
    server.hub.published()
    await sleep(5)
    expect(server.hub.stats.sentEvents).toBe(0)
  })
})
