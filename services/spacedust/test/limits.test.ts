import { waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { refusedUpgrade, subscribe } from './harness.ts'
import { startWorld } from './world.ts'

// What ends connections, and what has to survive that. Contract, sections 8, 9 and 10.

const post = 'at://did:plc:author/app.bsky.feed.post/1'

it('so many from one address, so many in all; who leaves makes room', async () => {
  await using world = await startWorld({ 'max-connections-per-ip': '2' })
  const url = world.spacedust.subscribeUrl('instant=true')
  using _ = await subscribe(url)
  const second = await subscribe(url)
  const { status, message } = await refusedUpgrade(url)
  expect(status).toBe(429)
  expect(message).toMatch(/too many connections from .*: at most 2/)
  second[Symbol.dispose]()
  using third = await waitFor(() => subscribe(url).catch(() => undefined))
  expect(third.socket.readyState).toBe(third.socket.OPEN)

  await using small = await startWorld({ 'max-connections': '1' })
  using only = await subscribe(small.spacedust.subscribeUrl())
  expect(await refusedUpgrade(small.spacedust.subscribeUrl())).toMatchObject({
    status: 503,
    message: 'too many subscribers',
  })
  expect(only.socket.readyState).toBe(only.socket.OPEN)
})

it('a message above 10 MiB closes its connection and nobody else’s; a stop says goodbye', async () => {
  await using world = await startWorld()
  using large = await subscribe(world.spacedust.subscribeUrl('instant=true'))
  using other = await subscribe(world.spacedust.subscribeUrl('instant=true'))
  large.send(' '.repeat(10 * 1024 * 1024 + 1))
  expect((await large.closed).code).toBe(1009)
  world.like(0, post)
  await other.count(1)
  await world.spacedust.service[Symbol.asyncDispose]()
  expect(await other.closed).toEqual({ code: 1001, reason: 'server shutting down' })
})

it('what comes while the source is away is not lost, nor doubled [BUG: every reconnect lost events]', async () => {
  await using world = await startWorld()
  using client = await subscribe(world.spacedust.subscribeUrl('instant=true'))
  const keys = [world.like(0, post)]
  await client.count(1)
  for (let i = 1; i < 4; i++) {
    world.relay.cut()
    keys.push(world.like(i, post), world.like(0, post))
    await client.count(keys.length, 30_000)
  }
  const got = client.events.map(({ link }) =>
    link.source_record.slice(link.source_record.lastIndexOf('/') + 1),
  )
  expect([got.length, new Set(got)]).toEqual([keys.length, new Set(keys)])
  expect(world.relay.stats().cursors).toEqual([undefined, 1, 3, 5])
})
