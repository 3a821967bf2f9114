import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type FirehoseTap, tapFirehose } from '../firehose-tap.ts'
import { encodeFrame, type Frame } from '../frame.ts'
import { waitFor } from '../wait.ts'
import { startFakeRelay } from './fake-relay.ts'
import type { FakeRelay, FakeRelayOptions } from './types.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function relayWith(seqs: readonly number[], options?: FakeRelayOptions): Promise<FakeRelay> {
  const relay = stack.use(await startFakeRelay(options))
  for (const seq of seqs) relay.push(account(seq))
  return relay
}

async function tap(relay: FakeRelay, cursor?: number): Promise<FirehoseTap> {
  return stack.use(await tapFirehose(relay.url, cursor === undefined ? {} : { cursor }))
}

const account = (seq: number): Frame => ({
  header: { op: 1, t: '#account' },
  body: { seq, did: 'did:plc:a', active: true },
})

const seqs = ({ messages }: FirehoseTap): unknown[] => messages.map(({ body }) => body.seq)
const end = (client: FirehoseTap) => waitFor(() => client.ended, { what: 'the end of the connection' })

/** What has not come by now will not come: all was sent, and the client had time to read it. */
async function settled(relay: FakeRelay): Promise<void> {
  await relay.drained()
  await sleep(30)
}

describe('replay', () => {
  it.each([
    { cursorStyle: '>', cursor: 2, expected: [3, 4] },
    { cursorStyle: '>=', cursor: 2, expected: [2, 3, 4] },
    { cursorStyle: '>', cursor: 0, expected: [1, 2, 3, 4] },
    { cursorStyle: '>', cursor: 3, expected: [4] },
    { cursorStyle: '>=', cursor: 3, expected: [3, 4] },
  ] as const)('by "$cursorStyle" from $cursor', async ({ cursorStyle, cursor, expected }) => {
    const relay = await relayWith([1, 2, 3], { cursorStyle })
    const client = await tap(relay, cursor)
    relay.push(account(4))
    await client.waitFor(({ body }) => body.seq === 4)
    expect(seqs(client)).toEqual(expected)
  })

  it('is nothing without a cursor', async () => {
    const relay = await relayWith([1, 2, 3])
    const client = await tap(relay)
    relay.push(account(4))
    await client.waitFor(({ body }) => body.seq === 4)
    expect(seqs(client)).toEqual([4])
    expect(relay.stats().cursors).toEqual([undefined])
  })

  it('sends raw bytes as they are, with the number given for them', async () => {
    const relay = await relayWith([])
    relay.push(encodeFrame(account(1)))
    relay.push(Uint8Array.of(0xff, 0xff), 2)
    relay.push(Uint8Array.of(0xfe))
    const client = await tap(relay, 1)
    await waitFor(() => client.frames.length === 2)
    expect(Buffer.concat(client.frames)).toEqual(Buffer.of(0xff, 0xff, 0xfe))
  })

  it('of an outdated cursor says so, and begins at the oldest', async () => {
    const relay = await relayWith([1, 2, 3, 4], { maxHistory: 2 })
    const client = await tap(relay, 1)
    await client.waitFor(({ body }) => body.seq === 4)
    expect(client.messages[0]).toMatchObject({ header: { t: '#info' }, body: { name: 'OutdatedCursor' } })
    expect(seqs(client)).toEqual([undefined, 3, 4])

    const all = await tap(relay, 0)
    await all.waitFor(({ body }) => body.seq === 4)
    expect(seqs(all)).toEqual([3, 4])
  })

  it('of an outdated cursor can be silent', async () => {
    const relay = await relayWith([1, 2, 3], { outdatedCursor: 'silent' })
    relay.forgetBefore(3)
    const client = await tap(relay, 1)
    await client.waitFor(({ body }) => body.seq === 3)
    expect(seqs(client)).toEqual([3])
  })

  it('of a future cursor fails', async () => {
    const relay = await relayWith([1, 2, 3])
    const client = await tap(relay, 4)
    expect(await end(client)).toEqual({ code: 1008, reason: 'FutureCursor' })
    expect(client.messages).toMatchObject([{ header: { op: -1 }, body: { error: 'FutureCursor' } }])
  })

  it('of a future cursor can go live', async () => {
    const relay = await relayWith([1, 2, 3], { futureCursor: 'live' })
    const client = await tap(relay, 4)
    relay.push(account(4))
    await client.waitFor(({ body }) => body.seq === 4)
    expect(seqs(client)).toEqual([4])
  })
})

describe('trouble', () => {
  it('sends information and errors to everyone', async () => {
    const relay = await relayWith([])
    const clients = [await tap(relay), await tap(relay)]
    relay.info('Anything', 'for everyone')
    relay.fail('ConsumerTooSlow', 'you are late')
    for (const client of clients) {
      expect(await end(client)).toEqual({ code: 1008, reason: 'ConsumerTooSlow' })
      expect(client.messages.map(({ body }) => body)).toEqual([
        { name: 'Anything', message: 'for everyone' },
        { error: 'ConsumerTooSlow', message: 'you are late' },
      ])
    }
    expect(relay.stats()).toMatchObject({ connections: 2, open: 0 })
  })

  it('cuts without a word, and the next connection replays', async () => {
    const relay = await relayWith([1])
    const client = await tap(relay, 0)
    await client.waitFor(({ body }) => body.seq === 1)
    relay.cut()
    expect((await end(client)).code).toBe(1006)
    relay.push(account(2))
    const again = await tap(relay, 1)
    await again.waitFor(({ body }) => body.seq === 2)
    expect(relay.stats().cursors).toEqual([0, 1])
  })

  it('closes properly', async () => {
    const relay = await relayWith([])
    const client = await tap(relay)
    const connection = await relay.nextConnection()
    relay.close(1012, 'restart')
    expect(await end(client)).toEqual({ code: 1012, reason: 'restart' })
    expect((await connection.closed).code).toBe(1012)
    expect(connection.open).toBe(false)
  })

  it('stalls and resumes without loss', async () => {
    const relay = await relayWith([])
    const client = await tap(relay)
    relay.push(account(1))
    await client.waitFor(({ body }) => body.seq === 1)
    relay.stall()
    relay.push(account(2))
    relay.push(account(3))
    await settled(relay)
    expect(seqs(client)).toEqual([1])
    expect(client.ended).toBeUndefined()
    relay.resume()
    relay.push(account(4))
    await client.waitFor(({ body }) => body.seq === 4)
    expect(seqs(client)).toEqual([1, 2, 3, 4])
  })

  it('answers pings unless told not to', async () => {
    const relay = await relayWith([])
    const socket = new WebSocket(`${relay.url}/xrpc/com.atproto.sync.subscribeRepos`)
    let pongs = 0
    socket.on('pong', () => pongs++)
    await relay.nextConnection()
    await waitFor(() => socket.readyState === socket.OPEN)
    socket.ping()
    await waitFor(() => pongs === 1)
    relay.ignorePings()
    socket.ping()
    await waitFor(() => relay.stats().pings === 2)
    await settled(relay)
    expect(pongs).toBe(1)
  })

  it('sends text past the history', async () => {
    const relay = await relayWith([1])
    const socket = new WebSocket(`${relay.url}/xrpc/com.atproto.sync.subscribeRepos`)
    const text = new Promise(resolve => {
      socket.once('message', (data: Buffer, binary) => resolve([data.toString(), binary]))
    })
    await relay.nextConnection()
    relay.send('not binary')
    expect(await text).toEqual(['not binary', false])
  })
})

/** Tries to connect and answers how that went. */
const ask = (relay: FakeRelay, path = 'xrpc/com.atproto.sync.subscribeRepos') =>
  new Promise<unknown>(resolve => {
    const socket = new WebSocket(`${relay.url}/${path}`, { handshakeTimeout: 200 })
    socket.on('unexpected-response', (_, { statusCode, headers }) =>
      resolve({ statusCode, retryAfter: headers['retry-after'] }),
    )
    socket.on('open', () => resolve('open'))
    socket.on('error', error => resolve(error.message))
  })

describe('refusals', () => {
  it('come before the upgrade, as often as told', async () => {
    const relay = await relayWith([])
    relay.refuse({ status: 429, retryAfterSeconds: 7, times: 2 })
    const expected = { statusCode: 429, retryAfter: '7' }
    expect([await ask(relay), await ask(relay), await ask(relay)]).toEqual([expected, expected, 'open'])
    expect(relay.stats()).toMatchObject({ refused: 2, connections: 1 })
  })

  it('end with accept', async () => {
    const relay = await relayWith([])
    relay.refuse({ status: 503 })
    expect(await ask(relay)).toMatchObject({ statusCode: 503 })
    relay.accept()
    expect(await ask(relay)).toBe('open')
  })

  it('can be silence', async () => {
    const relay = await relayWith([])
    relay.refuse({ status: 'silence' })
    expect(await ask(relay)).toMatch(/timed out/)
  })

  it('follow from other paths and bad cursors', async () => {
    const relay = await relayWith([])
    expect(await ask(relay, 'subscribe')).toMatchObject({ statusCode: 404 })
    for (const cursor of ['-1', 'x', '1.5', '', '99999999999999999999']) {
      const path = `xrpc/com.atproto.sync.subscribeRepos?cursor=${cursor}`
      expect({ cursor, answer: await ask(relay, path) }).toMatchObject({
        cursor,
        answer: { statusCode: 400 },
      })
    }
  })

  it('answers plain requests: 426, and what a test adds', async () => {
    const relay = await relayWith([], { onRequest: (_, response) => response.end('a repository') })
    const http = relay.url.replace('ws', 'http')
    expect((await fetch(`${http}/xrpc/com.atproto.sync.subscribeRepos`)).status).toBe(426)
    expect(await (await fetch(`${http}/xrpc/com.atproto.sync.getRepo`)).text()).toBe('a repository')
    const plain = await relayWith([])
    expect((await fetch(plain.url.replace('ws', 'http'))).status).toBe(404)
  })
})

describe('connections', () => {
  it('are handed out once each, in order, with what they asked for', async () => {
    const relay = await relayWith([1, 2])
    await tap(relay, 1)
    await tap(relay)
    const [first, second] = [await relay.nextConnection(), await relay.nextConnection()]
    expect([first.cursor, second.cursor]).toEqual([1, undefined])
    expect([first.id, second.id]).toEqual([1, 2])
    await relay.drained()
    expect([first.framesSent, second.framesSent]).toEqual([1, 0])
    await expect(relay.nextConnection(20)).rejects.toThrow('timed out waiting for a connection')
    const later = relay.nextConnection()
    await tap(relay)
    expect((await later).id).toBe(3)
  })

  it('end one at a time', async () => {
    const relay = await relayWith([])
    const [one, two] = [await tap(relay), await tap(relay)]
    const connection = await relay.nextConnection()
    connection.cut()
    expect((await end(one)).code).toBe(1006)
    expect(two.ended).toBeUndefined()
  })

  it('all end when the relay is disposed', async () => {
    const relay = await startFakeRelay()
    relay.refuse({ status: 'silence', times: 1 })
    const silent = new WebSocket(`${relay.url}/xrpc/com.atproto.sync.subscribeRepos`)
    const gone = new Promise(resolve => silent.once('error', resolve))
    await waitFor(() => relay.stats().refused === 1)
    const client = await tap(relay)
    await relay[Symbol.asyncDispose]()
    expect((await end(client)).code).toBe(1006)
    await gone
    await expect(tapFirehose(relay.url)).rejects.toThrow('ECONNREFUSED')
  })

  it('take a given encoder', async () => {
    const relay = await relayWith([], { encode: () => Uint8Array.of(9) })
    const client = await tap(relay)
    relay.push(account(1))
    await waitFor(() => client.frames.length === 1)
    expect([...client.frames[0]!]).toEqual([9])
  })
})
