import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { beforeAll, describe, expect, it } from 'vitest'
import { services } from '../src/services.ts'
import { ask } from '../src/suite/ask.ts'
import { expressionsIn } from './expressions.ts'
import { type Machine, makeMachine, startSuite } from './orrery.ts'

const deploy = join(import.meta.dirname, '../../../deploy')
const dashboard = join(deploy, 'grafana/dashboards/orrery.json')
const hasPrometheus = !spawnSync('prometheus', ['--version']).error

/** What is nothing, or not there, while nothing is wrong, nothing was dropped from logs, and nobody is new. */
const isForTrouble =
  /_(gaps|dropped|unverified|incomplete|chain_breaks|cold_reads|bad_nsids|fetches|lookups)_total|hosts_paused|log_oldest/

interface Answer {
  status: string
  error?: string
  data: { result: { metric: Record<string, string>; value: [number, string] }[] }
}

/** An event of a Jetstream, as far as it is looked at. */
interface Event {
  did: string
  commit?: { operation: string; collection: string; rkey: string }
}

interface Rule {
  name: string
  health: string
  lastError?: string
  state: string
}

describe.skipIf(!hasPrometheus)('Prometheus, where it is on this machine', () => {
  let address: string
  let machine: Machine

  const get = async <T>(path: string): Promise<T> =>
    (await (await fetch(`http://${address}${path}`)).json()) as T
  const query = (expression: string): Promise<Answer> =>
    get(`/api/v1/query?query=${encodeURIComponent(expression)}`)

  beforeAll(async () => {
    await using starting = new AsyncDisposableStack()
    const network = starting.use(
      await startSimulatedNetwork({ accounts: 20, recordsPerAccount: 5, curve: 'p256' }),
    )
    machine = await makeMachine(starting, { source: network.relays[0]!.url, plcUrl: network.plc.url })
    await startSuite(starting, machine)
    address = `127.0.0.1:${await freePort()}`
    await startPrometheus(starting, machine, address)
    useSuite(starting, machine)
    const timer = setInterval(() => network.send(5), 200)
    starting.defer(() => clearInterval(timer))
    const stack = starting.move()
    return () => stack.disposeAsync()
  }, 120_000)

  it('finds every service', async () => {
    const jobs = await waitFor(
      async () => {
        const { data } = await query('up{suite="orrery"} == 1')
        return data.result.length === services.length && data.result.map(({ metric }) => metric.job!)
      },
      { timeoutMs: 20_000, everyMs: 200 },
    )
    expect(jobs.toSorted()).toEqual(services.map(({ name }) => name).toSorted())
  })

  it('has an answer to every query of the dashboard', async () => {
    const expressions = expressionsIn(readFileSync(dashboard, 'utf8'))
    expect(expressions.length).toBeGreaterThan(40)
    const look = async (): Promise<string[]> => {
      const found = expressions.map(async expression => {
        const { status, error, data } = await query(expression.replaceAll('$__rate_interval', '1m'))
        if (status !== 'success') return [`${expression}: ${error}`]
        const shows = data.result.some(({ value: [, value] }) => Number(value) !== 0 && value !== 'NaN')
        return shows || isForTrouble.test(expression) ? [] : [`${expression}: shows nothing`]
      })
      return (await Promise.all(found)).flat()
    }
    // A rate takes two samples, and some numbers are looked up every quarter of a minute.
    let problems: string[] = []
    const isWell = async (): Promise<boolean> => (problems = await look()).length === 0
    await waitFor(isWell, { timeoutMs: 60_000, everyMs: 1_000 }).catch(() => {})
    expect(problems).toEqual([])
  }, 90_000)

  it('takes every alert rule, and none of them fires', async () => {
    const { data } = await get<{ data: { groups: { rules: Rule[] }[] } }>('/api/v1/rules')
    const rules = data.groups.flatMap(group => group.rules)
    expect(rules.length).toBe(
      readFileSync(join(deploy, 'prometheus/alerts.yml'), 'utf8').match(/- alert: /g)!.length,
    )
    for (const { name, health, lastError } of rules) {
      expect({ name, health, lastError }).toEqual({ name, health: 'ok', lastError: undefined })
    }
    // How much room there is and how busy it is, is for this machine to say.
    const isOfMachine = (name: string): boolean => /^OrreryDisk|^OrreryBusy$/.test(name)
    const stirring = rules.filter(({ name, state }) => state !== 'inactive' && !isOfMachine(name))
    expect(stirring.map(({ name }) => name)).toEqual([])
  })
})

/** Does what a suite is for: asks every service, listens to links and events, and asks for records that came. */
function useSuite(stack: AsyncDisposableStack, machine: Machine): void {
  const links = [true, false].map(
    instant => new WebSocket(`ws://${machine.address('spacedust')}/subscribe?instant=${instant}`),
  )
  const events = new WebSocket(`ws://${machine.address('jetstream')}/subscribe`)
  let newest: string | undefined
  let known: string | undefined
  events.addEventListener('message', ({ data }) => {
    const { did, commit } = JSON.parse(data as string) as Event
    if (commit?.operation !== 'create') return
    const asked = new URLSearchParams({ repo: did, collection: commit.collection, rkey: commit.rkey })
    newest = `/xrpc/com.atproto.repo.getRecord?${asked}`
  })
  const askQuietly = (service: string, path: string): void =>
    void ask(`http://${machine.address(service)}${path}`).catch(() => {})
  const timer = setInterval(() => {
    for (const { name } of services) askQuietly(name, '/_health')
    // What had come by the time before: nobody but Slingshot has records of this network.
    if (known) askQuietly('slingshot', known)
    known = newest
  }, 200)
  stack.defer(() => {
    clearInterval(timer)
    for (const socket of [...links, events]) socket.close()
  })
}

/** Starts one with the configuration as it is delivered, but for where the services are, and how often it looks. */
async function startPrometheus(
  stack: AsyncDisposableStack,
  machine: Machine,
  address: string,
): Promise<void> {
  const folder = join(machine.folder, 'prometheus')
  mkdirSync(folder)
  let config = readFileSync(join(deploy, 'prometheus/prometheus.yml'), 'utf8').replaceAll(
    'interval: 15s',
    'interval: 1s',
  )
  for (const { name, port } of services) {
    config = config.replace(`${name}:${10_000 + port}`, machine.env[`${name.toUpperCase()}_METRICS_LISTEN`]!)
  }
  writeFileSync(join(folder, 'prometheus.yml'), config)
  writeFileSync(join(folder, 'alerts.yml'), readFileSync(join(deploy, 'prometheus/alerts.yml')))
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  )
  stack.defer(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  })
  await waitFor(async () => (await ask(`http://${address}/-/ready`).catch(() => '')).includes('Ready'), {
    timeoutMs: 30_000,
    everyMs: 100,
  })
}
