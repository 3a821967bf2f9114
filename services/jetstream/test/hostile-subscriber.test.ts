import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { signingKeyFromBytes } from '@orrery/repo'
import { RepoMaker, startFakePlc, startFakeRelay, startProcess, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { subscribe } from './harness.ts'
import type { ServerApi } from './hostile/server-process.ts'

const did = `did:plc:${'a'.repeat(24)}`

/** So large that what a system holds for a connection is a small part of all, and so many. */
const recordBytes = 60_000
const commits = 1_000

/**
 * What the server may have grown by while a dozen do not read. Each has a megabyte of its own and the block that it is in;
 * what they were not sent is 40 MB each.
 */
const mayGrow = 160 * 1024 * 1024

const dropped = 'jetstream_subscribers_dropped_total{cause="slow"}'

it('lets subscribers that do not read cost themselves alone', async () => {
  await using stack = new AsyncDisposableStack()
  const repo = new RepoMaker({ did, key: signingKeyFromBytes('p256', Buffer.alloc(32, 7)) })
  const plc = stack.use(await startFakePlc(new Map([[did, repo.document()]])))
  const relay = stack.use(await startFakeRelay({ maxHistory: 100 }))
  const server = stack.use(startProcess<ServerApi>(new URL('./hostile/server-process.ts', import.meta.url)))
  const url = await server.call('start', {
    source: relay.url,
    'plc-url': plc.url,
    verify: 'strict',
    'slow-timeout': '4s',
    'memory-for-recent': '4MiB',
    'memory-for-replay': '4MiB',
  })
  await relay.nextConnection()

  const revs: string[] = []
  async function send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      // Nothing that compression makes small.
      const text = randomBytes((recordBytes * 3) / 4).toString('base64')
      const record = { $type: 'app.bsky.feed.post', text }
      const write = {
        action: 'create' as const,
        collection: 'app.bsky.feed.post',
        rkey: `k${revs.length}`,
        record,
      }
      const { frame, rev } = repo.commit([write], revs.length + 1)
      relay.push(frame, revs.length + 1)
      revs.push(rev)
      if (i % 20 === 0) await relay.drained(30_000)
      await new Promise(setImmediate)
    }
  }

  let highest = 0
  const watching = new AbortController()
  stack.defer(() => watching.abort())
  async function watch(): Promise<void> {
    while (!watching.signal.aborted) {
      highest = Math.max(highest, (await server.call('memory')).heap)
      await sleep(300)
    }
  }

  await send(1)
  using witness = await subscribe(`${url}?cursor=0`)
  await witness.count(1, 20_000)
  const queries = ['', 'compress=true', 'cursor=0', 'wantedCollections=app.bsky.feed.*']
  const readers = await Promise.all(queries.map(query => subscribe(`${url}?${query}`)))
  const watched = watch()
  // What it takes to serve those that read.
  await send(commits / 2)
  await witness.count(1 + commits / 2, 60_000)
  const before = highest
  // Each with a filter of its own, or they would share what waits for them.
  const stuck = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      subscribe(`${url}?${queries[i % queries.length]}&wantedDids=${did}&wantedDids=did:plc:nobody${i}`),
    ),
  )
  for (const { socket } of stuck) socket.pause()
  await send(commits)

  // Everybody else has everything.
  const total = 1 + commits * 1.5
  await witness.count(total, 60_000)
  for (const [i, reader] of readers.entries())
    await reader.count(queries[i] === 'cursor=0' ? total : total - 1, 60_000)
  const plain = witness.lines
  expect(plain.map(line => (JSON.parse(line) as { commit: { rev: string } }).commit.rev)).toEqual(revs)
  expect(readers[0]!.lines).toEqual(plain.slice(1))
  expect(readers[2]!.lines).toEqual(plain)
  expect(readers[3]!.lines).toEqual(plain.slice(1))

  // Those that did not read are dropped and counted; what they were not sent is nowhere.
  const counted = (wanted: number): Promise<true> =>
    waitFor(async () => (await server.call('metrics'))[dropped] === wanted, {
      timeoutMs: 30_000,
      everyMs: 100,
      what: `${wanted} to be dropped`,
    })
  await counted(stuck.length)
  watching.abort()
  await watched
  expect(highest - before).toBeLessThan(mayGrow)
  for (const { messages } of stuck) expect(messages.length).toBeLessThan(commits / 2)

  // Who wakes up soon enough is told why.
  const sleeper = await subscribe(`${url}?cursor=0`)
  sleeper.socket.pause()
  await counted(stuck.length + 1)
  sleeper.socket.resume()
  const { code, reason } = await sleeper.closed
  expect(code).toBe(1008)
  expect(reason).toMatch(/^ConsumerTooSlow: nothing was read for \d+ s$/)
  for (const { socket } of [witness, ...readers]) expect(socket.readyState).toBe(socket.OPEN)
  expect((await server.call('metrics'))['jetstream_subscribers{state="live"}']).toBe(readers.length + 1)
  for (const { socket } of stuck) socket.terminate()
}, 120_000)
