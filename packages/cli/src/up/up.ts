import { resolve } from 'node:path'
import { projectVersion } from '@orrery/server/version'
import type { Plan, SuiteFlags } from '../suite/plan.ts'
import { readPlanOrExplain } from '../suite/read-plan.ts'
import { sleep } from '../suite/sleep.ts'
import type { SuiteState } from '../suite/state.ts'
import { print, red, untilInterrupted } from '../terminal.ts'
import { keepBackingUp } from './backup-schedule.ts'
import { askSupervisor, serveState } from './control.ts'
import { openLog, type SuiteLog } from './log.ts'
import { clockWarning, diskWarning, machineWarnings, portProblems } from './preflight.ts'
import { summary } from './summary.ts'
import { runSuite } from './supervisor.ts'

export interface UpFlags extends SuiteFlags {
  logFormat?: 'pretty' | 'json'
}

const diskEveryMs = 60_000

/** `orrery up`: the whole suite against the live network, until Ctrl-C. */
export async function up({ logFormat = 'pretty', ...flags }: UpFlags): Promise<void> {
  const signal = untilInterrupted()
  // Who reads the log may go; the services stay.
  process.stdout.on('error', () => {})
  const plan = await readPlanOrExplain(flags)
  if (!plan || !(await isFreeToStart(plan)) || signal.aborted) return
  const log = openLog({ format: logFormat })
  if (logFormat === 'pretty') print(...summary(plan))
  for (const warning of machineWarnings(plan)) log.say(warning, 'warn')

  await using cleanUp = new AsyncDisposableStack()
  const suite = runSuite({ services: plan.services, small: plan.small, log, signal })
  const startedAt = Date.now()
  const state: SuiteState = {
    pid: process.pid,
    plan: asTold(plan),
    version: projectVersion(),
    startedAt,
    services: suite.states,
  }
  await serveState(plan.dataDir, () => state).then(
    server => cleanUp.use(server),
    (error: Error) => log.say(`orrery status will know less: ${error.message}`, 'warn'),
  )
  const stopWatching = new AbortController()
  const watching = AbortSignal.any([signal, stopWatching.signal])
  void tellOfStart(suite.states, log, startedAt, watching)
  void watchMachine(plan, log, watching)
  if (plan.backup)
    void keepBackingUp({
      plan,
      backup: plan.backup,
      log,
      signal: watching,
      onDone: last => (state.backup = last),
    })
  signal.addEventListener('abort', () => log.say('stopping; this takes some seconds at the most'), {
    once: true,
  })
  process.exitCode = await suite.ended
  stopWatching.abort()
  log.say('stopped')
}

/** Whether nothing stands in the way; what does is printed, each with its remedy. */
async function isFreeToStart(plan: Plan): Promise<boolean> {
  const other = await askSupervisor(plan.dataDir)
  const problems = other
    ? [
        `another orrery up, process ${other.pid}, runs the services of ${plan.dataDir}: stop that one, or give this one a folder and ports of its own`,
      ]
    : await portProblems(plan)
  if (problems.length === 0) return true
  process.stderr.write(
    `${red('Orrery cannot start:')}\n${problems.map(problem => `  ${problem}\n`).join('')}`,
  )
  process.exitCode = 1
  return false
}

/** A plan as others are told of it. */
function asTold(plan: Plan): Plan {
  const services = plan.services.map(service => ({ ...service, env: {}, dataDir: resolve(service.dataDir) }))
  return { ...plan, dataDir: resolve(plan.dataDir), services }
}

/** Says once when all services answer. */
async function tellOfStart(
  states: SuiteState['services'],
  log: SuiteLog,
  startedAt: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (states.every(({ phase }) => phase === 'running')) {
      log.say(`all services answer, ${((Date.now() - startedAt) / 1000).toFixed(1)} s after the start`)
      return
    }
    await sleep(200, signal)
  }
}

/** Looks at the clock once, and at the disk now and then. */
async function watchMachine(plan: Plan, log: SuiteLog, signal: AbortSignal): Promise<void> {
  const clock = await clockWarning(plan)
  if (clock !== undefined && !signal.aborted) log.say(clock, 'warn')
  let wasLow = diskWarning(plan.dataDir) !== undefined
  while (!signal.aborted) {
    await sleep(diskEveryMs, signal)
    const low = diskWarning(plan.dataDir)
    if (low !== undefined && !wasLow) log.say(low, 'warn')
    wasLow = low !== undefined
  }
}
