import { setTimeout as sleep } from 'node:timers/promises'
import { type SimulatedNetwork, startSimulatedNetwork, waitFor, within } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import { openTestWriter } from '../src/testing/test-writer.ts'
import { startTestJetstream } from './harness.ts'
import { takeClock } from './support/clock.ts'
import { follow } from './support/follower.ts'
import { faultOfLog, readLogged } from './support/logged.ts'
import { Subscription } from './support/subscription.ts'
import { type ServerProcess, startServerProcess } from './support/server-process.ts'
import { mountSmallDisk } from './support/small-disk.ts'
import { everything } from './support/wanted.ts'
import { holdAgainst } from './support/whole-log.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

/** So many accounts that new identities turn up all the time, which are kept on the disk too. */
async function startNetwork(now?: () => number): Promise<SimulatedNetwork> {
  return stack.use(
    await startSimulatedNetwork({
      accounts: 1_000,
      recordsPerAccount: 5,
      curve: 'p256',
      ...(now && { now }),
    }),
  )
}

const hour = 3_600_000
const patience = { timeoutMs: 60_000 }

describe('a full disk', () => {
  it('stops what is taken in with a clear word, and nothing else; nothing is lost, also by kill -9', async context => {
    const disk = mountSmallDisk(32)
    if (typeof disk === 'string') return context.skip(disk)
    stack.use(disk)
    const network = await startNetwork()
    const { expected } = network
    const start = (): ServerProcess =>
      startServerProcess({
        source: network.relays[0]!.url,
        'plc-url': network.plc.url,
        'data-dir': disk.folder,
        verify: 'strict',
        'allow-private-hosts': true,
      })
    let server = start()
    stack.defer(() => server.kill())
    const progress = () => ({ known: 0, sent: expected.length })
    const follower = stack.use(follow(() => server.url, { wanted: everything, progress }))
    const received = (): number => follower.subscriptions.at(-1)?.lines.length ?? 0
    const said = (text: string): number => server.log.filter(({ msg }) => msg.includes(text)).length
    const url = await server.serving()
    await network.relays[0]!.nextConnection()
    await waitFor(() => follower.subscriptions.length === 1)
    const stop = new AbortController()
    const feeding = network.run(300, stop.signal)
    stack.defer(() => stop.abort())

    await waitFor(() => received() > 300, patience)
    disk.fill()
    await waitFor(() => said('the disk is full: taking in events has stopped, nothing is lost'), patience)
    // What was committed before is on its way.
    await sleep(1_000)
    const before = received()
    await sleep(500)
    expect(received()).toBe(before)
    expect(expected.length).toBeGreaterThan(before)
    const { lagMs } = (await (
      await fetch(`${url.replace(/^ws(.*)\/subscribe$/, 'http$1')}/_health`)
    ).json()) as {
      lagMs: number
    }
    expect(lagMs).toBeGreaterThan(500)
    // Who is there stays, and who comes gets all there is.
    const late = await new Subscription({ url, begin: 0, wanted: everything, progress }).opened()
    await waitFor(() => late.lines.length === before, patience)
    expect(late.lines).toEqual(follower.subscriptions[0]!.lines)
    late.cut()

    disk.free()
    await waitFor(() => said('there is room on the disk again'), patience)
    await waitFor(() => received() > before + 300, patience)
    expect(follower.subscriptions).toHaveLength(1)

    disk.fill()
    await waitFor(() => said('the disk is full: taking in events has stopped') > 1, patience)
    await server.kill()
    // On a disk that is still full it starts, or says what is to be done.
    server = start()
    await server.serving().then(
      () => sleep(500),
      () => expect(JSON.stringify(server.log.at(-1))).toContain('Free some space'),
    )
    await server.kill()
    disk.free()
    server = start()
    const again = await server.serving()
    await sleep(500)
    stop.abort()
    await feeding
    expect((await holdAgainst(again, expected, follower.subscriptions)).length).toBeGreaterThan(before + 300)
  }, 180_000)

  it('refuses a replay that takes room on it, goes on with all else, and has it all once there is room', async context => {
    const disk = mountSmallDisk(32)
    if (typeof disk === 'string') return context.skip(disk)
    stack.use(disk)
    const clock = stack.use(takeClock())
    const network = await startNetwork(clock.real)
    const { expected } = network
    const jetstream = stack.use(
      await startTestJetstream({
        source: network.relays[0]!.url,
        'plc-url': network.plc.url,
        'data-dir': disk.folder,
        'allow-private-hosts': true,
        'memory-for-recent': '64KiB',
        'memory-for-replay': '64KiB',
      }),
    )
    await network.relays[0]!.nextConnection()
    const progress = () => ({ known: 0, sent: expected.length })
    const subscribe = (begin: number): Promise<Subscription> =>
      new Subscription({ url: jetstream.subscribeUrl(), begin, wanted: everything, progress }).opened()
    const live = await subscribe(0)
    for (let i = 0; i < 3; i++) {
      network.send(300)
      await waitFor(() => live.lines.length === expected.length, patience)
      clock.toEndOfHour(1)
      await sleep(5)
    }
    network.send(50)
    await waitFor(() => live.lines.length === expected.length, patience)

    disk.fill()
    const refused = await subscribe(0)
    const closed = new Promise(resolve => {
      refused.socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`))
    })
    expect(await within(closed, 'the close')).toBe('1011 the log cannot be read')
    network.send(100)
    await sleep(300)
    expect(jetstream.failures).toEqual([])

    disk.free()
    await waitFor(() => live.lines.length === expected.length, patience)
    const whole = await subscribe(0)
    await waitFor(() => whole.lines.length === expected.length, patience)
    expect(whole.lines).toEqual(live.lines)
    expect(faultOfLog(whole.lines.map(readLogged), expected)).toBeUndefined()
    expect(jetstream.failures).toEqual([])
  }, 120_000)

  it('does not keep the log from dropping what is too old', context => {
    const disk = mountSmallDisk(16)
    if (typeof disk === 'string') return context.skip(disk)
    stack.use(disk)
    const noon = Date.parse('2026-08-14T12:00:00Z')
    using writer = openTestWriter(disk.folder, noon, { sealEvents: 5 })
    for (let i = 0; i < 3; i++) {
      writer.append(7)
      writer.clock.ms += hour
    }
    writer.append(1)
    disk.fill()
    const most = Number.MAX_SAFE_INTEGER
    expect(writer.api.retain(noon * 1000, most)).toMatchObject({ removed: [] })
    // The hour that is the oldest now cannot be looked into, so only the one behind it is known to be whole.
    expect(writer.api.retain((noon + hour) * 1000, most)).toMatchObject({
      removed: ['2026-08-14T12'],
      oldest: (noon + 2 * hour) * 1000,
    })
    disk.free()
    expect(writer.api.retain((noon + 2 * hour) * 1000, most)).toMatchObject({
      removed: ['2026-08-14T13'],
      oldest: (noon + 2 * hour) * 1000,
    })
  })
})
