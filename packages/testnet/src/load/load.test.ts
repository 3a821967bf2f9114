import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { onTestFinished, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { startProcess } from '../process.ts'
import { startLoad } from './load.ts'

/** A server of the `ws` package. */
async function startServer(onConnect: (socket: WebSocket, path: string) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  server.on('connection', (socket, request) => onConnect(socket, request.url!))
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  await once(server, 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const nowUs = (): number => Math.floor((performance.timeOrigin + performance.now()) * 1000)

/** Sends events a millisecond apart and 20 ms late, each with the time of the one before in it, too. */
function sendEvents(socket: WebSocket, count: number, wrap = (json: string): string | Buffer => json): void {
  const start = nowUs() - 20_000
  for (let i = 0; i < count; i++)
    socket.send(wrap(`{"at":${i},"time_us":${start + i},"pad":"${'x'.repeat(i)}"}`))
}

describe('startLoad', () => {
  it('counts what each subscriber gets, by group, and how late it is', async () => {
    const url = await startServer((socket, path) => sendEvents(socket, path === '/few' ? 50 : 400))
    await using load = await startLoad({
      groups: [
        { url: `${url}/many`, count: 20 },
        { url: `${url}/few`, count: 5 },
      ],
      sampleEvery: 10,
      timeMember: 'time_us',
      connectAtATime: 7,
    })
    const result = await load.received([400, 50], 10_000)
    expect(result.groups).toEqual([
      { frames: 8_000, fewest: 400, most: 400 },
      { frames: 250, fewest: 50, most: 50 },
    ])
    expect(result.frames).toBe(8_250)
    expect(result).toMatchObject({ outOfOrder: 0, closed: {} })
    // Frames that are cut by a read are left out.
    expect(result.sampled).toBeGreaterThan(700)
    expect(result.latencyMs.p50).toBeGreaterThan(15)
    expect(result.latencyMs.count).toBe(result.sampled)
    expect((await load.reset()).frames).toBe(8_250)
    expect(await load.result()).toMatchObject({ frames: 0, sampled: 0, groups: [{ frames: 0 }, { most: 0 }] })
  })

  it('sees what is missing, what is out of order and who was closed', async () => {
    const url = await startServer(socket => {
      for (const time of [5, 6, 6, 4, 7]) socket.send(`{"time_us":${time}}`)
      socket.close(1008, 'enough')
    })
    await using load = await startLoad({ groups: [{ url, count: 3 }], sampleEvery: 1, timeMember: 'time_us' })
    const result = await load.received([6], 500)
    expect(result.groups).toEqual([{ frames: 15, fewest: 5, most: 5 }])
    expect(result).toMatchObject({ sampled: 15, outOfOrder: 6, closed: { 1008: 3 } })
  })

  it('looks into compressed frames as well, and counts an event without a time as out of order', async () => {
    const url = await startServer((socket, path) => {
      if (path === '/zstd') sendEvents(socket, 10, json => zstdCompressSync(json))
      else socket.send('{}')
    })
    await using load = await startLoad({
      groups: [{ url: `${url}/zstd`, count: 2 }],
      sampleEvery: 1,
      timeMember: 'time_us',
    })
    expect(await load.received([10], 5_000)).toMatchObject({ sampled: 20, outOfOrder: 0 })
    await using without = await startLoad({
      groups: [{ url, count: 1 }],
      sampleEvery: 1,
      timeMember: 'time_us',
    })
    expect(await without.received([1], 5_000)).toMatchObject({ sampled: 1, outOfOrder: 1 })
  })

  it('answers pings, so that it is not taken for dead', async () => {
    let pongs = 0
    const url = await startServer(socket => {
      socket.on('pong', () => pongs++)
      socket.ping('are you there')
      socket.send('x')
    })
    await using load = await startLoad({ groups: [{ url, count: 4 }] })
    await load.received([1], 5_000)
    await expect.poll(() => pongs).toBe(4)
  })

  it('fails where a subscriber is refused, and leaves no process behind', async () => {
    const url = await startServer(() => {})
    await expect(
      startLoad({ groups: [{ url: url.replace('ws:', 'http:'), count: 1 }] }),
    ).resolves.toBeDefined()
    await expect(startLoad({ groups: [{ url: 'ws://127.0.0.1:1', count: 1 }] })).rejects.toThrow(
      'ECONNREFUSED',
    )
  })
})

describe('startProcess', () => {
  it('tells who waits when the process ends', async () => {
    const child = startProcess<{ anything: () => void }>(
      new URL(`file://${join(import.meta.dirname, 'frame-scanner.ts')}`),
    )
    await expect(child.call('anything')).rejects.toThrow('frame-scanner.ts ended: 0')
    await expect(child.call('anything')).rejects.toThrow('has ended')
    await child[Symbol.asyncDispose]()
  })
})
