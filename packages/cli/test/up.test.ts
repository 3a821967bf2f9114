import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type SimulatedNetwork, startSimulatedNetwork, waitFor, within } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import { holdAgainst } from '../../../services/jetstream/test/support/whole-log.ts'
import { services } from '../src/services.ts'
import { askHealth } from '../src/suite/ask.ts'
import { askSupervisor } from '../src/up/control.ts'
import { isAlive, type Machine, makeMachine, pidsOf, run, start, startSuite } from './orrery.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const patience = { timeoutMs: 60_000, everyMs: 50 }

async function startWorld(): Promise<{ network: SimulatedNetwork; machine: Machine }> {
  const network = stack.use(
    await startSimulatedNetwork({ accounts: 60, recordsPerAccount: 20, curve: 'p256' }),
  )
  const source = network.relays[0]!.url
  return { network, machine: await makeMachine(stack, { source, plcUrl: network.plc.url }) }
}

/** How often each post is liked, by all that a Jetstream has. */
async function likesIn(url: string, events: number): Promise<Map<string, number>> {
  const likes = new Map<string, string>()
  const socket = new WebSocket(`${url}?cursor=0`)
  let seen = 0
  socket.addEventListener('message', ({ data }) => {
    const { did, commit } = JSON.parse(String(data)) as Record<string, never> & {
      commit?: { operation: string; collection: string; rkey: string; record?: { subject?: { uri: string } } }
    }
    seen++
    if (commit?.collection !== 'app.bsky.feed.like') return
    const key = `${String(did)}/${commit.rkey}`
    likes.delete(key)
    const target = commit.record?.subject?.uri
    if (commit.operation !== 'delete' && target !== undefined) likes.set(key, target)
  })
  await waitFor(() => seen >= events, patience)
  socket.close()
  const counts = new Map<string, number>()
  for (const target of likes.values()) counts.set(target, (counts.get(target) ?? 0) + 1)
  return counts
}

async function likesAt(constellation: string, target: string): Promise<number> {
  const query = new URLSearchParams({ target, collection: 'app.bsky.feed.like', path: '.subject.uri' })
  const answer = await fetch(`http://${constellation}/links/count?${query}`)
  return ((await answer.json()) as { total: number }).total
}

describe('orrery up', () => {
  it('starts all services, brings back whichever is killed and loses nothing, and stops at once on Ctrl-C', async () => {
    const { network, machine } = await startWorld()
    const suite = await startSuite(stack, machine)
    const said = suite.output()
    // What leads is up before the others begin.
    expect(said.indexOf('jetstream      serving')).toBeLessThan(said.indexOf('constellation  starting'))
    expect(said).toContain('of memory and')
    await network.relays[0]!.nextConnection()
    const sending = new AbortController()
    stack.defer(() => sending.abort())
    const sent = network.run(100, sending.signal)
    // A service that has seen nothing yet begins with what is new.
    for (const { name } of services) {
      await waitFor(async () => (await askHealth(machine.address(name)))?.cursor, patience)
    }

    for (const { name } of services) {
      const before = (await pidsOf(machine)).get(name)!
      process.kill(before, 'SIGKILL')
      const killedAt = performance.now()
      await waitFor(async () => {
        const state = (await askSupervisor(machine.dataDir))?.services.find(each => each.name === name)
        return state?.phase === 'running' && state.pid !== before
      }, patience)
      // Half a second of pause and a start; a loaded machine takes longer for it.
      expect(performance.now() - killedAt).toBeLessThan(20_000)
      expect(suite.output()).toContain(`${name} ended (SIGKILL): it was killed`)
    }
    sending.abort()
    await sent

    const url = `ws://${machine.address('jetstream')}/subscribe`
    await holdAgainst(url, network.expected, [])
    const likes = await likesIn(url, network.expected.length)
    expect(likes.size).toBeGreaterThan(20)
    const total = [...likes.values()].reduce((sum, count) => sum + count, 0)
    const counted = async (): Promise<number> => {
      const counts = await Promise.all(
        Array.from(likes.keys(), target => likesAt(machine.address('constellation'), target)),
      )
      return counts.reduce((sum, count) => sum + count, 0)
    }
    await waitFor(async () => (await counted()) === total, { ...patience, what: `${total} likes` })

    const pids = [...(await pidsOf(machine)).values()]
    expect(pids).toHaveLength(services.length)
    const stoppedAt = performance.now()
    suite.child.kill('SIGINT')
    expect(await within(suite.ended, 'the stop', 15_000)).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(10_000)
    expect(pids.filter(isAlive)).toEqual([])
    expect(suite.output()).toContain('stopped')
  }, 240_000)

  it('lets those that read the Jetstream share a process with --small, and brings all of that back', async () => {
    const { machine } = await startWorld()
    const suite = await startSuite(stack, machine, '--small')
    const pids = await pidsOf(machine)
    const { jetstream, ...others } = Object.fromEntries(pids)
    expect(Object.keys(others)).toHaveLength(services.length - 1)
    const shared = new Set(Object.values(others))
    expect([shared.size, shared.has(jetstream!)]).toEqual([1, false])
    const [pid] = shared
    process.kill(pid!, 'SIGKILL')
    await waitFor(async () => {
      const states = (await askSupervisor(machine.dataDir))?.services ?? []
      return states.length > 0 && states.every(state => state.phase === 'running' && state.pid !== pid)
    }, patience)
    expect((await pidsOf(machine)).get('jetstream')).toBe(jetstream)
    expect(suite.output()).toContain('followers ended (SIGKILL)')
    // Each line of the log says whose it is.
    expect(suite.output()).toMatch(/ {2}slingshot +serving/)
    suite.child.kill('SIGINT')
    expect(await within(suite.ended, 'the stop', 15_000)).toBe(0)
  }, 120_000)

  it('leaves no service behind when it is killed itself, and starts again at once', async () => {
    const { machine } = await startWorld()
    const args = ['--only', 'jetstream,spacedust']
    const suite = await startSuite(stack, machine, ...args)
    const pids = [...(await pidsOf(machine)).values()]
    expect(pids).toHaveLength(2)
    suite.child.kill('SIGKILL')
    await waitFor(() => !pids.some(isAlive), { ...patience, what: 'the end of the services' })
    await startSuite(stack, machine, ...args)
  }, 120_000)

  it('says which port is in use, by whom and which setting changes it, and does not start', async () => {
    const { machine } = await startWorld()
    const [port, metricsPort] = [
      machine.address('constellation').split(':')[1]!,
      machine.env.SPACEDUST_METRICS_LISTEN!.split(':')[1]!,
    ]
    for (const taken of [port, metricsPort]) {
      const other = spawn(process.execPath, [
        '-e',
        `require('net').createServer().listen(${taken}, '127.0.0.1', () => console.log('there'))`,
      ])
      stack.defer(() => void other.kill('SIGKILL'))
      await once(other.stdout, 'data')
    }
    const { status, output } = await run(machine, 'up', '--data-dir', machine.dataDir)
    expect(status).toBe(1)
    expect(output).toMatch(
      new RegExp(
        `port ${port}, for constellation, is in use by .*set CONSTELLATION_LISTEN to another host:port`,
      ),
    )
    expect(output).toMatch(
      new RegExp(`port ${metricsPort}, for spacedust, is in use by .*SPACEDUST_METRICS_LISTEN`),
    )
    // Other systems do not tell who.
    expect(process.platform !== 'linux' || /in use by process \d+ \(node -e/.test(output)).toBe(true)
  }, 60_000)

  it('does not run twice on one folder', async () => {
    const { machine } = await startWorld()
    const first = await startSuite(stack, machine, '--only', 'jetstream')
    const { status, output } = await run(machine, 'up', '--data-dir', machine.dataDir, '--only', 'jetstream')
    expect([status, output]).toEqual([
      1,
      expect.stringContaining(`another orrery up, process ${first.child.pid}`),
    ])
  }, 60_000)

  it('lists all that is wrong with its settings, and does not start', async () => {
    const { machine } = await startWorld()
    const settings = {
      datadir: 'x',
      without: ['jetsream'],
      jetstream: { retention: '2 days', verfy: 'off' },
      all: { logLevel: 'loud' },
    }
    await writeFile(join(machine.folder, 'orrery.config.json'), JSON.stringify(settings))
    machine.env.SLINGSHOT_MEMORI = '1MiB'
    const { status, output } = await run(machine, 'up')
    expect(status).toBe(2)
    for (const problem of [
      'orrery.config.json: datadir: there is no such setting; did you mean dataDir?',
      'without: there is no service "jetsream"',
      'orrery.config.json: jetstream.retention: expected a duration with its unit, such as 48h, 30s or 250ms; got "2 days"',
      'orrery.config.json: jetstream.verfy: there is no such option; did you mean verify?',
      'orrery.config.json: constellation.logLevel: expected one of',
      'SLINGSHOT_MEMORI is not an option; did you mean SLINGSHOT_MEMORY?',
    ]) {
      expect(output).toContain(problem)
    }
  })

  it('keeps on trying what fails at its start, and says why', async () => {
    const { machine } = await startWorld()
    const suite = start(stack, machine, 'up', '--data-dir', machine.dataDir, '--only', 'spacedust')
    // Between the look at the ports and the listening; so it is what a service itself finds out.
    machine.env.SPACEDUST_LISTEN = undefined
    await waitFor(() => suite.output().includes('starting'), patience)
    await waitFor(() => suite.output().includes('all services answer'), patience)
    const pid = (await pidsOf(machine)).get('spacedust')!
    const port = Number(machine.address('spacedust').split(':')[1])
    process.kill(pid, 'SIGKILL')
    const thief = createServer()
    stack.defer(() => void thief.close())
    await waitFor(
      () =>
        new Promise(resolve => {
          thief.once('error', () => resolve(false))
          thief.listen(port, '127.0.0.1', () => resolve(true))
        }),
      patience,
    )
    await waitFor(
      () => /spacedust ended \(1\): port \d+ on .* is in use by another program/.test(suite.output()),
      patience,
    )
    expect(suite.output()).toContain('--listen or SPACEDUST_LISTEN')
    thief.close()
    await waitFor(
      async () => (await askSupervisor(machine.dataDir))?.services[0]?.phase === 'running',
      patience,
    )
  }, 90_000)
})
