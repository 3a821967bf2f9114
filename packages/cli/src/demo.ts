import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause } from '@orrery/firehose'
import { startPeople } from './demo-people.ts'
import { startSimulation } from './demo-simulated.ts'
import type { Stage, SuiteUrls } from './demo-stage.ts'
import { freePort } from './free-port.ts'
import { services } from './services.ts'
import type { RunnableService } from './suite/plan.ts'
import { variableOf } from './suite/variables.ts'
import { bold, cyan, dim, green, print, printAbove, untilInterrupted } from './terminal.ts'
import { openLog } from './up/log.ts'
import { runSuite } from './up/supervisor.ts'

export interface DemoOptions {
  /** Actions of people a second. */
  perSecond: number
  /** Default: 6 people, or 1,000 simulated accounts. */
  accounts?: number
  quiet?: boolean
  /** Events a second of a simulated network, instead of people on a real PDS. */
  simulated?: number
}

/**
 * `orrery demo`: the suite against a network on this machine, a real PDS and PLC with people, or a simulated one.
 * Everything it makes is in a temporary folder and gone when it ends.
 */
export async function demo(options: DemoOptions): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([untilInterrupted(), stop.signal])
  const dataDir = await mkdtemp(join(tmpdir(), 'orrery-demo-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }))

  const stage = cleanUp.use(
    options.simulated === undefined
      ? await startPeople(options)
      : await startSimulation({ ...options, perSecond: options.simulated }),
  )
  const ports = new Map(
    await Promise.all(services.map(async ({ name, port }) => [name, await freePort(port)] as const)),
  )
  const at = (name: string): string => `127.0.0.1:${ports.get(name)}`
  const suiteUrls: SuiteUrls = {
    jetstream: `ws://${at('jetstream')}/subscribe`,
    constellation: `http://${at('constellation')}`,
    spacedust: `ws://${at('spacedust')}/subscribe`,
    slingshot: `http://${at('slingshot')}`,
    ufos: `http://${at('ufos')}`,
  }
  const planned = services.map(({ name, followsJetstream }): RunnableService => {
    const told = {
      source: followsJetstream ? suiteUrls.jetstream : stage.source,
      plcUrl: stage.plcUrl,
      allowPrivateHosts: 'true',
      dataDir: join(dataDir, name),
      listen: at(name),
      metricsListen: '127.0.0.1:0',
      logLevel: 'warn',
      ...stage.options?.[name],
    }
    const variables = Object.entries(told).map(([option, text]) => [variableOf(name, option), text])
    return { name, process: name, followsJetstream, address: at(name), env: Object.fromEntries(variables) }
  })
  const log = openLog({ format: 'pretty', write: printAbove, withDate: false })
  const suite = runSuite({ services: planned, log, signal }).ended
  // A suite that gave up has said why.
  const ended = suite.finally(() => stop.abort())
  // All of them before anything happens, so that nothing is missed.
  await Promise.all(services.map(async ({ name }) => untilHealthy(`http://${at(name)}/_health`, signal)))
  if (!signal.aborted) {
    printWelcome(stage, suiteUrls)
    const said = await stage.run({ ...suiteUrls, jetstream: `${suiteUrls.jetstream}?cursor=0` }, signal)
    print('', dim(`${said} Nothing is left behind.`))
  }
  process.exitCode = await ended
}

function printWelcome(
  { what, source, plcUrl, places, below }: Stage,
  { jetstream, constellation, spacedust, slingshot, ufos }: SuiteUrls,
): void {
  const post = 'wantedCollections=app.bsky.feed.post'
  const addresses: Stage['places'] = [
    ['jetstream', jetstream],
    ['constellation', `${constellation}/`],
    ['spacedust', spacedust],
    ['slingshot', `${slingshot}/`],
    ['ufos', `${ufos}/`],
    ...places,
  ]
  print(
    '',
    bold(`${green('●')} Orrery is running on ${what}`),
    '',
    ...addresses.map(([name, url]) => `  ${name.padEnd(14)} ${cyan(url)}`),
    '',
    `Open ${cyan(`${constellation}/`)} in a browser: who links to what, with a form for every question;`,
    `${cyan(`${slingshot}/`)}: any record and identity of the network; ${cyan(`${ufos}/`)}: what it is made of.`,
    'Or try, in another terminal:',
    '',
    `  npx wscat -c "${jetstream}?${post}"   ${dim('only posts')}`,
    `  npx wscat -c "${jetstream}?cursor=0"   ${dim('everything from the beginning')}`,
    `  npx wscat -c "${spacedust}?instant=true"   ${dim('every link as it is made')}`,
    `  node_modules/.bin/orrery tail --source ${source} --plc-url ${plcUrl} --allow-private-hosts`,
    `  curl ${constellation}/`,
    '',
    dim(`${below} Ctrl-C stops everything.`),
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
