import { type ChildProcess, spawn } from 'node:child_process'
import { askHealth } from '../suite/ask.ts'
import type { RunnableService } from '../suite/plan.ts'
import { sleep } from '../suite/sleep.ts'
import type { ServiceState } from '../suite/state.ts'
import type { SuiteLog } from './log.ts'

/** A service and what is known of it. */
export interface Managed {
  service: RunnableService
  state: ServiceState
}

export interface ServiceProcessOptions {
  /** Its name in the log. */
  name: string
  /** The services in it: one, or several. */
  managed: readonly Managed[]
  /** Node's flags. */
  nodeFlags: readonly string[]
  env: NodeJS.ProcessEnv
  log: SuiteLog
  /** Ends it. */
  signal: AbortSignal
  /** Told when all of them answer. */
  onReady: () => void
}

/** How a process ended. */
export interface End {
  /** What it answered, or the signal that ended it. */
  status: number | string
  why: string
}

/** How long services have to stop before they are killed, milliseconds. */
const stopMs = 9_000

const startingEveryMs = 150
const runningEveryMs = 5_000

/** A process that does not answer for so many looks is stuck: a minute. */
const looksMissed = 12

const command = new URL('../main.ts', import.meta.url).pathname

/**
 * Runs services as a process until it ends, by itself or by the signal. It is killed when one of them does not answer for a
 * minute, after it once did; their states are kept up to date. Services end by themselves when this process does.
 */
export async function runServiceProcess(options: ServiceProcessOptions): Promise<End> {
  const { name, managed, nodeFlags, env, log, signal } = options
  const names = managed.map(({ service }) => service.name).join('+')
  const child = spawn(process.execPath, [...nodeFlags, command, names], {
    // The channel is how it learns that this process is gone.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: Object.assign({}, env, ...managed.map(({ service }) => service.env)) as NodeJS.ProcessEnv,
  })
  const ended = untilEnd(child)
  for (const { state } of managed) {
    enter(state, 'starting')
    state.pid = child.pid
    state.starts++
  }
  let lastSaid: string | undefined
  log.follow(name, { out: child.stdout!, err: child.stderr! }, (gist, who) => {
    lastSaid = gist
    const whose = managed.filter(({ service }) => service.name === who)
    for (const { state } of whose.length > 0 ? whose : managed)
      state.lastError = { at: Date.now(), message: gist }
  })
  const watching = new AbortController()
  const stop = (): void => {
    watching.abort()
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), stopMs).unref()
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const ready = new Set<string>()
  const watches = managed.map(async one => {
    const isStuck = await watch(one, watching.signal, () => {
      ready.add(one.service.name)
      if (ready.size === managed.length) options.onReady()
    })
    if (isStuck) child.kill('SIGKILL')
    return isStuck
  })
  const { status } = await ended
  watching.abort()
  signal.removeEventListener('abort', stop)
  for (const { state } of managed) state.pid = undefined
  const wasStuck = (await Promise.all(watches)).some(isStuck => isStuck)
  return { status, why: wasStuck ? 'it did not answer for a minute' : (lastSaid ?? wordsFor(status)) }
}

export function enter(state: ServiceState, phase: ServiceState['phase']): void {
  state.phase = phase
  state.since = Date.now()
}

/** Looks whether a service answers. True when it stopped to, false when watching ended. */
async function watch(
  { service, state }: Managed,
  signal: AbortSignal,
  onReady: () => void,
): Promise<boolean> {
  for (let missed = 0; !signal.aborted;) {
    const health = await askHealth(service.address, runningEveryMs)
    if (signal.aborted) break
    if (health && state.phase === 'starting') {
      enter(state, 'running')
      onReady()
    }
    const isRunning = state.phase === 'running'
    missed = health || !isRunning ? 0 : missed + 1
    if (missed >= looksMissed) return true
    await sleep(isRunning ? runningEveryMs : startingEveryMs, signal)
  }
  return false
}

function untilEnd(child: ChildProcess): Promise<{ status: number | string }> {
  return new Promise(resolve => {
    child.once('error', error => resolve({ status: error.message }))
    // Not `exit`: what it said last is still on its way then.
    child.once('close', (code, killedBy) => resolve({ status: code ?? killedBy ?? 1 }))
  })
}

function wordsFor(status: number | string): string {
  if (status === 'SIGKILL') return 'it was killed; the system does that when memory runs out'
  return typeof status === 'string' ? `it was ended by ${status}` : 'it did not say why'
}
