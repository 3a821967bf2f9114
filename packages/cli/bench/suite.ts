// What the whole suite takes on a machine: `node packages/cli/bench/suite.ts --small --seconds 600`. A recorded network is
// played to `orrery up` at a rate; memory, CPU, writes and disk of each process are measured from outside. It fails where
// an event is lost, refused or late, and with `--small` where all processes together take more than their budget.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Player, recordStream, startPlayer } from '@orrery/testnet'
import { freePort } from '../src/free-port.ts'
import { services } from '../src/services.ts'
import { ask, askHealth } from '../src/suite/ask.ts'
import { parseScrape, type Scrape } from '../src/suite/prometheus.ts'
import { variableOf } from '../src/suite/variables.ts'
import { folderBytes } from '../src/status/observe.ts'
import { table } from '../src/terminal.ts'
import { type ProcessUse, useOf } from './process-use.ts'

const { values } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '1000' },
    accounts: { type: 'string', default: '20000' },
    subscribers: { type: 'string', default: '5' },
    recording: { type: 'string' },
    json: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const rate = Number(values.rate)

/** The promise of `--small`: all processes together, bytes. */
const smallBudget = 1.2e9

/** Before anything is counted compilers get warm and keys of accounts are asked for, at a quarter of the rate; seconds. */
const warmUpSeconds = Math.min(60, seconds / 4)
const warmUpRate = rate / 4
const sampleEveryMs = 5_000

interface Sample {
  at: number
  uses: ProcessUse[]
  disk: Map<string, number>
}

const MB = 1e6

async function main(): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const player = stack.use(await startPlayer(await recording()))
  const folder = await mkdtemp(join(tmpdir(), 'orrery-suite-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const suite = await startSuite(stack, player, folder)
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const asking = keepAsking(suite.address, stop.signal)
  const subscribers = subscribe(suite.address, Number(values.subscribers))
  stack.defer(() => subscribers.forEach(socket => socket.close()))

  await player.play(warmUpRate)
  await sleep(warmUpSeconds * 1000)
  await player.play(rate)
  const samples: Sample[] = []
  const lags: number[] = []
  for (const until = Date.now() + seconds * 1000; Date.now() <= until;) {
    samples.push(take(suite.pid, folder))
    const healths = await Promise.all(services.map(({ name }) => askHealth(suite.address(name))))
    lags.push(Math.max(...healths.map(health => health?.lagMs ?? Infinity)))
    const total = samples.at(-1)!.uses.reduce((sum, use) => sum + use.rssBytes, 0)
    process.stderr.write(
      `${samples.length * 5} s  ${Math.round(total / MB)} MB (${samples
        .at(-1)!
        .uses.map(use => Math.round(use.rssBytes / MB))
        .join(' + ')})  lag ${lags.at(-1)} ms\n`,
    )
    await sleep(sampleEveryMs)
  }
  await player.play(0)
  stop.abort()
  const answered = await asking
  const { published } = await player.stats()
  const hasAll = (): Promise<boolean> =>
    suite.scrape('jetstream').then(
      scrape => scrape.sum('jetstream_upstream_events_total') === published,
      () => false,
    )
  for (const until = Date.now() + 60_000; Date.now() < until && !(await hasAll());) await sleep(200)
  const scrapes = await Promise.all(
    services.map(async ({ name }) => [name, await suite.scrape(name)] as const),
  )
  return report({ samples, lags, published, answered, scrapes: new Map(scrapes) })
}

async function recording(): Promise<string> {
  const frames = Math.ceil((seconds + 20) * rate + warmUpSeconds * warmUpRate)
  const file = values.recording ?? join(tmpdir(), `orrery-suite-${values.accounts}-${frames}.frames`)
  if (!existsSync(file)) {
    process.stderr.write(`Making ${frames} events ahead, some 500 a second …\n`)
    await recordStream(file, { accounts: Number(values.accounts), frames })
  }
  return file
}

interface RunningSuite {
  pid: number
  address: (service: string) => string
  scrape: (service: string) => Promise<Scrape>
}

async function startSuite(
  stack: AsyncDisposableStack,
  player: Player,
  folder: string,
): Promise<RunningSuite> {
  const env: NodeJS.ProcessEnv = { ...process.env, JETSTREAM_SOURCE: player.url }
  const addresses = new Map<string, string>()
  for (const { name } of services) {
    for (const option of ['listen', 'metricsListen']) {
      addresses.set(`${name} ${option}`, `127.0.0.1:${await freePort(0)}`)
      env[variableOf(name, option)] = addresses.get(`${name} ${option}`)
    }
    env[variableOf(name, 'plcUrl')] = player.plcUrl
    env[variableOf(name, 'allowPrivateHosts')] = 'true'
    env[variableOf(name, 'logLevel')] = 'warn'
  }
  env.SLINGSHOT_RATE_LIMIT = '0'
  const command = new URL('../src/main.ts', import.meta.url).pathname
  // As `npm start` does.
  env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../../../node_modules/.cache/node')
  const args = ['up', '--data-dir', folder, ...(values.small ? ['--small'] : [])]
  const child = spawn(process.execPath, [command, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = new Promise(resolve => child.once('exit', resolve))
  stack.defer(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const address = (service: string): string => addresses.get(`${service} listen`)!
  // Connected before the first event; the Jetstream begins with what comes then.
  for (const { name } of services) while (!(await askHealth(address(name)))) await sleep(200)
  await sleep(2_000)
  const scrape = async (service: string): Promise<Scrape> =>
    parseScrape(await ask(`http://${addresses.get(`${service} metricsListen`)!}/metrics`))
  return { pid: child.pid!, address, scrape }
}

/** As clients do: some of the stream, and some of the links. */
function subscribe(address: RunningSuite['address'], count: number): WebSocket[] {
  return Array.from({ length: count }, () => [
    new WebSocket(`ws://${address('jetstream')}/subscribe?wantedCollections=app.bsky.feed.post`),
    new WebSocket(`ws://${address('spacedust')}/subscribe?wantedSources=app.bsky.graph.follow:subject`),
  ]).flat()
}

/** Asks the index and the cache about what happens, some times a second; the number of answers. */
async function keepAsking(address: RunningSuite['address'], signal: AbortSignal): Promise<number> {
  let answers = 0
  let last: { did: string; rkey: string; subject: string } | undefined
  const socket = new WebSocket(`ws://${address('jetstream')}/subscribe?wantedCollections=app.bsky.feed.like`)
  socket.addEventListener('message', ({ data }) => {
    const { did, commit } = JSON.parse(String(data)) as {
      did: string
      commit?: { rkey: string; record?: { subject?: { uri?: string } } }
    }
    const subject = commit?.record?.subject?.uri
    if (commit && subject !== undefined) last = { did, rkey: commit.rkey, subject }
  })
  while (!signal.aborted) {
    await sleep(100)
    if (!last) continue
    const { did, rkey, subject } = last
    const count = new URLSearchParams({
      target: subject,
      collection: 'app.bsky.feed.like',
      path: '.subject.uri',
    })
    const record = new URLSearchParams({ repo: did, collection: 'app.bsky.feed.like', rkey })
    const asked = await Promise.allSettled([
      ask(`http://${address('constellation')}/links/count?${count}`),
      ask(`http://${address('slingshot')}/xrpc/com.atproto.repo.getRecord?${record}`),
    ])
    answers += asked.filter(({ status }) => status === 'fulfilled').length
  }
  socket.close()
  return answers
}

function take(pid: number, folder: string): Sample {
  const disk = new Map(services.map(({ name }) => [name, folderBytes(join(folder, name)) ?? 0]))
  return { at: Date.now(), uses: useOf(pid), disk }
}

interface Measured {
  samples: Sample[]
  lags: number[]
  published: number
  answered: number
  scrapes: ReadonlyMap<string, Scrape>
}

async function report({ samples, lags, published, answered, scrapes }: Measured): Promise<number> {
  const [first, last] = [samples[0]!, samples.at(-1)!]
  const elapsed = (last.at - first.at) / 1000
  const names = first.uses.map(({ name }) => name)
  const of = (sample: Sample, name: string): ProcessUse | undefined =>
    sample.uses.find(use => use.name === name)
  const rows = names.map(name => {
    const [before, after] = [of(first, name)!, of(last, name)!]
    return {
      name,
      rssMaxMB: Math.max(...samples.map(sample => of(sample, name)?.rssBytes ?? 0)) / MB,
      rssEndMB: after.rssBytes / MB,
      pssEndMB: after.pssBytes / MB,
      cores: (after.cpuSeconds - before.cpuSeconds) / elapsed,
      writtenMBs: (after.writtenBytes - before.writtenBytes) / elapsed / MB,
      diskGBDay: name
        .split('+')
        .map(
          service =>
            (((last.disk.get(service) ?? 0) - (first.disk.get(service) ?? 0)) / elapsed) * (86_400 / 1e9),
        )
        .reduce((total, each) => total + each),
    }
  })
  const totals = samples.map(sample => sample.uses.reduce((sum, use) => sum + use.rssBytes, 0))
  const sum = (figure: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((all, row) => all + figure(row), 0)
  const total = {
    name: 'all',
    rssMaxMB: Math.max(...totals) / MB,
    rssEndMB: totals.at(-1)! / MB,
    pssEndMB: sum(row => row.pssEndMB),
    cores: sum(row => row.cores),
    writtenMBs: sum(row => row.writtenMBs),
    diskGBDay: sum(row => row.diskGBDay),
  }
  const text = (value: number, digits: number): string => value.toFixed(digits)
  process.stdout.write(
    `\n${table(
      ['process', 'RSS, most', 'RSS, end', 'PSS, end', 'cores', 'written MB/s', 'disk GB/day'],
      [...rows, total].map(row => [
        row.name,
        text(row.rssMaxMB, 0),
        text(row.rssEndMB, 0),
        text(row.pssEndMB, 0),
        text(row.cores, 3),
        text(row.writtenMBs, 3),
        text(row.diskGBDay, 2),
      ]),
    ).join('\n')}\n`,
  )
  for (const [service, bytes] of last.disk) {
    const grown = bytes - first.disk.get(service)!
    process.stdout.write(`${service}: ${(grown / (elapsed * rate)).toFixed(0)} bytes on disk for an event\n`)
  }
  const worstLag = Math.max(...lags)
  const taken = scrapes.get('jetstream')!.sum('jetstream_upstream_events_total')!
  const dropped = [...scrapes].map(([name, scrape]) => scrape.sum(`${name}_upstream_dropped_total`)!)
  process.stdout.write(
    `${elapsed.toFixed(0)} s at ${((taken - warmUpSeconds * warmUpRate) / elapsed).toFixed(0)} events/s; ${published} sent, ${taken} taken in, ${dropped.join('+')} dropped, ${scrapes
      .get('jetstream')!
      .sum(
        'jetstream_upstream_unverified_total',
      )} not verified; lag at most ${worstLag} ms; ${answered} answers\n`,
  )
  if (values.json !== undefined) {
    await writeFile(
      values.json,
      JSON.stringify({ rows, total, elapsed, published, taken, worstLag }, undefined, 2),
    )
  }
  const problems = [
    taken === published ? '' : 'events were lost',
    dropped.every(count => count === 0) ? '' : 'events were dropped',
    worstLag < 10_000 ? '' : 'it could not keep up',
    values.small && Math.max(...totals) > smallBudget ? 'the budget of --small was not held' : '',
  ].filter(problem => problem !== '')
  for (const problem of problems) process.stdout.write(`FAILED: ${problem}\n`)
  return problems.length > 0 ? 1 : 0
}

process.exitCode = await main()
