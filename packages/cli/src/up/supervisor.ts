import { leanEnvironment, leanFlags, smallFlags } from '../lean.ts'
import type { RunnableService } from '../suite/plan.ts'
import { sleep } from '../suite/sleep.ts'
import type { ServiceState } from '../suite/state.ts'
import type { SuiteLog } from './log.ts'
import { enter, type Managed, runServiceProcess } from './service-process.ts'

export interface SuiteOptions {
  services: readonly RunnableService[]
  /** For a machine of little memory. */
  small?: boolean
  log: SuiteLog
  signal: AbortSignal
}

export interface Suite {
  /** What is known of each service; changes all the time. */
  readonly states: readonly ServiceState[]
  /** Resolves when all have stopped, to the status that this process should exit with. */
  readonly ended: Promise<number>
}

/** How long followers wait for the Jetstream, milliseconds. Then they start without it, and serve what they have. */
const maxWaitMs = 60_000

/** A service that ran this long had a good start; its next failure counts as the first. */
const goodRunMs = 60_000

const firstPauseMs = 500
const maxPauseMs = 30_000

/** The exit status for options that cannot be used; starting again would not change them. */
const badUsage = 2

/**
 * Runs services, one process each or several in one as they are planned, until the signal aborts: the Jetstream first, the
 * others when it answers. A process that ends is started again, with growing pauses, for as long as it takes.
 */
export function runSuite(options: SuiteOptions): Suite {
  const giveUp = new AbortController()
  const signal = AbortSignal.any([options.signal, giveUp.signal])
  const managed = options.services.map((service): Managed => {
    const { name, address } = service
    return { service, state: { name, address, phase: 'waiting', since: Date.now(), starts: 0 } }
  })
  const processes = [...Map.groupBy(managed, ({ service }) => service.process)].map(([name, members]) => ({
    name,
    members,
    follows: members.every(({ service }) => service.followsJetstream),
    ready: Promise.withResolvers<void>(),
  }))
  // Without a timer that would keep this process from ending.
  const patience = new AbortController()
  const led = Promise.race([
    Promise.all(processes.filter(({ follows }) => !follows).map(({ ready }) => ready.promise)),
    sleep(maxWaitMs, AbortSignal.any([signal, patience.signal])),
  ])
  void led.then(() => patience.abort())

  async function run({ name, members, follows, ready }: (typeof processes)[number]): Promise<number> {
    if (follows) await led
    const status = await keepRunning(name, members, { ...options, signal }, ready.resolve)
    for (const { state } of members) enter(state, 'stopped')
    if (status !== 0) {
      // A suite that lacks a service for good is not what was asked for.
      options.log.say(`${name} cannot run with its options; stopping the others`, 'fatal')
      giveUp.abort()
    }
    return status
  }
  return {
    states: managed.map(({ state }) => state),
    ended: Promise.all(processes.map(run)).then(statuses => Math.max(...statuses)),
  }
}

async function keepRunning(
  name: string,
  managed: readonly Managed[],
  { log, signal, small = false }: SuiteOptions,
  onReady: () => void,
): Promise<number> {
  const nodeFlags = small ? smallFlags : leanFlags
  const env = leanEnvironment(small)
  for (let failures = 0; !signal.aborted;) {
    const startedAt = Date.now()
    const { status, why } = await runServiceProcess({ name, managed, nodeFlags, env, log, signal, onReady })
    if (signal.aborted) return 0
    for (const { state } of managed) state.lastEnd = { at: Date.now(), why }
    if (status === badUsage) return status
    failures = Date.now() - startedAt > goodRunMs ? 1 : failures + 1
    const waitMs = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 10))
    for (const { state } of managed) enter(state, 'restarting')
    log.say(
      `${name} ended (${status}): ${why}. Starting it again in ${(waitMs / 1000).toFixed(1)} s; what it had is kept`,
      'error',
    )
    await sleep(waitMs, signal)
  }
  return 0
}
