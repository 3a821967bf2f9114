import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import { mountSmallDisk } from '../../../services/jetstream/test/support/small-disk.ts'
import { services } from '../src/services.ts'
import type { SuiteStatus } from '../src/status/look.ts'
import { makeMachine, pidsOf, run, start, startSuite, statusOf } from './orrery.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const patience = { timeoutMs: 60_000, everyMs: 200 }
const nobody = { source: 'ws://127.0.0.1:9', plcUrl: 'http://127.0.0.1:9' }

/** Service → its verdict and why. */
function told({ services: all }: SuiteStatus): Record<string, [string, string]> {
  return Object.fromEntries(all.map(({ name, status, why }) => [name, [status, why]]))
}

/** A server that is nothing but a clock, and that is off. */
async function startClock(aheadMs: number): Promise<string> {
  const server: Server = createServer((_request, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString()).end('{}')
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  stack.defer(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('orrery status', () => {
  it('says that nothing runs, and exits with 1', async () => {
    const machine = await makeMachine(stack, nobody)
    const { status, output } = await run(machine, 'status', '--data-dir', machine.dataDir)
    expect(status).toBe(1)
    expect(output).toContain('jetstream: it is not running; `orrery up` runs it')
    expect(output).toContain('no orrery up is running here')
  }, 30_000)

  it('never says ok of anything without a network, though the followers are connected', async () => {
    const machine = await makeMachine(stack, nobody)
    await startSuite(stack, machine)
    // They are: to the Jetstream.
    const health = await waitFor(async () => {
      const answer = await fetch(`http://${machine.address('spacedust')}/_health`)
      const { status } = (await answer.json()) as { status: string }
      return status === 'ok' && status
    }, patience)
    expect(health).toBe('ok')
    const seen = await statusOf(machine)
    expect(seen.ok).toBe(false)
    const { jetstream, ...others } = told(seen)
    const noSource = 'no source has been reached since it started; orrery doctor looks why'
    expect(jetstream).toEqual(['starting', noSource])
    expect(Object.keys(others)).toHaveLength(services.length - 1)
    for (const one of Object.values(others))
      expect(one).toEqual(['waiting', 'the Jetstream that it reads is starting'])
  }, 90_000)

  it('tells of a healthy suite, a service that was killed, and one whose port was taken', async () => {
    const network = stack.use(
      await startSimulatedNetwork({ accounts: 20, recordsPerAccount: 5, curve: 'p256' }),
    )
    const machine = await makeMachine(stack, { source: network.relays[0]!.url, plcUrl: network.plc.url })
    const args = ['--without', 'slingshot']
    await startSuite(stack, machine, ...args)
    const sending = new AbortController()
    stack.defer(() => sending.abort())
    void network.run(30, sending.signal)
    const seen = await waitFor(async () => {
      const now = await statusOf(machine, ...args)
      return now.ok && now.services.every(({ eventsPerSecond }) => Number(eventsPerSecond) > 5) && now
    }, patience)
    // Asked from where nothing is known of the settings, it tells of what runs all the same.
    const elsewhere = { ...machine, env: { PATH: process.env.PATH, NO_COLOR: '1' } }
    expect((await statusOf(elsewhere)).services.map(({ address }) => address)).toEqual(
      seen.services.map(({ address }) => address),
    )
    for (const { lagMs, memoryBytes, diskBytes, starts, lastError } of seen.services) {
      expect(lagMs).toBeLessThan(10_000)
      expect(memoryBytes).toBeGreaterThan(30e6)
      expect(diskBytes).toBeGreaterThan(10_000)
      expect([starts, lastError]).toEqual([1, null])
    }
    const { status, output } = await run(machine, 'status', '--data-dir', machine.dataDir, ...args)
    expect([status, output]).toEqual([0, expect.stringMatching(/^jetstream +ok +127\.0\.0\.1:\d+ /m)])

    const port = Number(machine.address('constellation').split(':')[1])
    const thief = createTcpServer()
    stack.defer(() => void thief.close())
    process.kill((await pidsOf(machine)).get('constellation')!, 'SIGKILL')
    await waitFor(
      () =>
        new Promise(resolve => {
          thief.once('error', () => resolve(false))
          thief.listen(port, '127.0.0.1', () => resolve(true))
        }),
      { timeoutMs: 10_000 },
    )
    const taken = await waitFor(async () => {
      const now = await statusOf(machine, ...args)
      const { constellation } = told(now)
      return (
        constellation?.[0] === 'port taken' && /is in use/.test(now.services[1]!.lastError!.message) && now
      )
    }, patience)
    expect(taken.ok).toBe(false)
    expect(told(taken)).toMatchObject({
      jetstream: ['ok', ''],
      constellation: ['port taken', expect.stringMatching(/^process \d+ \(.*\) has its port$/)],
    })
    thief.close()
    const back = await waitFor(async () => {
      const now = await statusOf(machine, ...args)
      return now.ok && now
    }, patience)
    // What was wrong stays to be seen.
    expect(back.services[1]!.starts).toBeGreaterThan(2)
    expect(back.services[1]!.lastError).not.toBeNull()

    process.kill((await pidsOf(machine)).get('jetstream')!, 'SIGSTOP')
    const pid = (await pidsOf(machine)).get('jetstream')!
    stack.defer(() => void process.kill(pid, 'SIGCONT'))
    const stuck = told(await statusOf(machine, ...args))
    expect(stuck).toMatchObject({
      jetstream: ['degraded', 'it listens and does not answer'],
      spacedust: ['waiting', 'the Jetstream that it reads is degraded'],
    })
    process.kill(pid, 'SIGCONT')
  }, 240_000)

  it('tells of a full disk', async context => {
    const disk = mountSmallDisk(48)
    if (typeof disk === 'string') return context.skip(disk)
    stack.use(disk)
    const network = stack.use(
      await startSimulatedNetwork({ accounts: 500, recordsPerAccount: 5, curve: 'p256' }),
    )
    const machine = await makeMachine(stack, {
      source: network.relays[0]!.url,
      plcUrl: network.plc.url,
      dataDir: disk.folder,
    })
    const args = ['--only', 'jetstream']
    await startSuite(stack, machine, ...args)
    const sending = new AbortController()
    stack.defer(() => sending.abort())
    void network.run(100, sending.signal)
    await waitFor(async () => (await statusOf(machine, ...args)).ok, patience)
    disk.fill()
    const seen = await waitFor(async () => {
      const now = await statusOf(machine, ...args)
      return now.services[0]!.lastError !== null && now
    }, patience)
    expect(told(seen).jetstream).toEqual([
      'degraded',
      expect.stringContaining('the disk is full (0 kB left): nothing new is taken in, nothing is lost'),
    ])
    expect(seen.services[0]!.lastError?.message).toContain('the disk is full')
    expect(seen.warnings[0]).toContain('only 0 kB are free')
    disk.free()
    await waitFor(async () => (await statusOf(machine, ...args)).ok, patience)
  }, 180_000)

  it('tells of a clock that is wrong', async () => {
    const machine = await makeMachine(stack, { ...nobody, plcUrl: await startClock(-3 * 3_600_000) })
    const { warnings } = await statusOf(machine)
    expect(warnings.find(warning => warning.includes('clock'))).toMatch(
      /^this machine’s clock is 3 h ahead, by that of 127\.0\.0\.1:\d+: set the clock/,
    )
  }, 30_000)

  it('shows itself again and again with --watch, and takes its ports from the settings', async () => {
    const machine = await makeMachine(stack, nobody)
    delete machine.env.JETSTREAM_LISTEN
    await writeFile(
      join(machine.folder, 'orrery.config.json'),
      JSON.stringify({ only: ['jetstream'], jetstream: { listen: '127.0.0.1:4' } }),
    )
    const watching = start(stack, machine, 'status', '--watch')
    const times = (): number => watching.output().split('127.0.0.1:4').length - 1
    await waitFor(() => times() >= 3, { timeoutMs: 30_000 })
    watching.child.kill('SIGINT')
    await sleep(0)
    expect(await watching.ended).toBe(1)
  }, 60_000)
})
