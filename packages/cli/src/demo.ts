import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryProgress, openFirehose, parseSources, pause } from '@orrery/firehose'
import { eventLines } from './event-line.ts'
import { services } from './services.ts'
import { runSuite } from './supervisor.ts'
import { bold, cyan, dim, green, print, untilInterrupted } from './terminal.ts'

export interface DemoOptions {
  perSecond: number
  accounts: number
  quiet?: boolean
}

/**
 * `orrery demo`: the suite against a real PDS and PLC on this machine. Everything it makes is in a temporary folder and
 * gone when it ends.
 */
export async function demo(options: DemoOptions): Promise<void> {
  const signal = untilInterrupted()
  // Development only: the packages are there after `npm run demo`, not after `npm start`.
  const testnet = await import('@orrery/testnet')
  const dataDir = await mkdtemp(join(tmpdir(), 'orrery-demo-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }))

  print(dim('Starting a PLC directory, a PDS, and accounts on it …'))
  const network = cleanUp.use(await testnet.startNetwork({ accounts: options.accounts }))
  const ports = new Map(
    await Promise.all(services.map(async ({ name, port }) => [name, await freePort(port)] as const)),
  )
  const suite = runSuite({
    services,
    flags: ({ name }) => [
      `--source=${network.pds.url}`,
      `--plc-url=${network.plc.url}`,
      '--allow-private-hosts',
      `--data-dir=${join(dataDir, name)}`,
      `--listen=127.0.0.1:${ports.get(name)}`,
      '--metrics-listen=127.0.0.1:0',
      '--log-level=warn',
    ],
    say: message => print(message),
    signal,
  })
  const jetstream = `127.0.0.1:${ports.get('jetstream')}`
  await untilHealthy(`http://${jetstream}/_health`, signal)
  if (signal.aborted) {
    process.exitCode = await suite
    return
  }
  printWelcome(network, jetstream)

  const activity = cleanUp.use(
    testnet.startActivity(network, { perSecond: options.perSecond, signal, maxLog: 1 }),
  )
  const names = new Map(network.accounts.map(({ did, handle }) => [did, handle]))
  await Promise.all([
    options.quiet ? undefined : show(`ws://${jetstream}/subscribe?cursor=0`, names, signal),
    suite,
  ])
  const { done } = await activity.done
  const total = Object.values(done).reduce((sum, count) => sum + count, 0)
  print('', dim(`Stopped after ${total} actions. Nothing is left behind.`))
  process.exitCode = await suite
}

/** Follows the demo's own Jetstream as any client would, and prints what comes. */
async function show(url: string, names: Map<string, string>, signal: AbortSignal): Promise<void> {
  await using firehose = await openFirehose({
    sources: parseSources([url]),
    progress: createMemoryProgress(),
    signal,
  })
  for await (const { events } of firehose) {
    for (const event of events) {
      if (event.kind === 'identity' && event.handle !== undefined) names.set(event.did, event.handle)
      print(...eventLines(event, did => names.get(did) ?? did.slice(0, 16)))
    }
  }
}

function printWelcome(network: { pds: { url: string }; plc: { url: string } }, jetstream: string): void {
  const post = 'wantedCollections=app.bsky.feed.post'
  print(
    '',
    bold(`${green('●')} Orrery is running on a network of its own`),
    '',
    `  jetstream   ${cyan(`ws://${jetstream}/subscribe`)}`,
    `  PDS         ${cyan(network.pds.url)}`,
    `  PLC         ${cyan(network.plc.url)}`,
    '',
    'Try, in another terminal:',
    '',
    `  npx wscat -c "ws://${jetstream}/subscribe?${post}"   ${dim('only posts')}`,
    `  npx wscat -c "ws://${jetstream}/subscribe?cursor=0"   ${dim('everything from the beginning')}`,
    `  node_modules/.bin/orrery tail --source ${network.pds.url} --plc-url ${network.plc.url} --allow-private-hosts`,
    `  curl http://${jetstream}/_health`,
    '',
    dim('What people here do comes through the Jetstream below. Ctrl-C stops everything.'),
    '',
  )
}

async function untilHealthy(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
    if (answer?.ok) return
    await pause(100, signal)
  }
}

/** The usual port, or any free one where that is taken. */
async function freePort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? wanted
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined))
    })
  })
}
