import { type ChildProcess, spawn } from 'node:child_process'
import { backoffMs, pause } from '@orrery/firehose'
import { leanEnvironment, leanFlags } from './lean.ts'
import type { ServiceEntry } from './services.ts'

export interface SuiteOptions {
  services: readonly ServiceEntry[]
  /** Flags for each service. */
  flags: (service: ServiceEntry) => readonly string[]
  /** Told what happens, in words. */
  say: (message: string) => void
  signal: AbortSignal
}

/** How long services have to stop before they are killed, milliseconds. They give themselves 10 s. */
const stopMs = 11_000

/** A service that ran this long had a good start; its next failure counts as the first. */
const goodRunMs = 30_000

/** The exit status for options that cannot be used; starting again would not change them. */
const badUsage = 2

/**
 * Runs services, one process each, until the signal aborts: one that fails is started again, with growing pauses. The
 * promise resolves when all have stopped, to the status that this process should exit with.
 */
export async function runSuite(options: SuiteOptions): Promise<number> {
  const giveUp = new AbortController()
  const signal = AbortSignal.any([options.signal, giveUp.signal])
  const statuses = await Promise.all(
    options.services.map(async service => {
      const status = await keepRunning(service, { ...options, signal })
      // A suite that lacks a service for good is not what was asked for.
      if (status !== 0) giveUp.abort()
      return status
    }),
  )
  return Math.max(...statuses)
}

async function keepRunning(service: ServiceEntry, options: SuiteOptions): Promise<number> {
  const { signal, say } = options
  for (let failures = 0; !signal.aborted;) {
    const startedAt = Date.now()
    const child = spawn(process.execPath, [...leanFlags, command, service.name, ...options.flags(service)], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: leanEnvironment(),
    })
    const status = await untilExit(child, signal)
    if (signal.aborted) return 0
    if (status === badUsage) return status
    failures = Date.now() - startedAt > goodRunMs ? 1 : failures + 1
    const waitMs = backoffMs(failures, { firstMs: 1000, maxMs: 30_000 })
    say(`${service.name} ended with status ${status}; starting it again in ${(waitMs / 1000).toFixed(1)} s`)
    await pause(waitMs, signal)
  }
  return 0
}

const command = new URL('./main.ts', import.meta.url).pathname

function untilExit(child: ChildProcess, signal: AbortSignal): Promise<number | string> {
  return new Promise(resolve => {
    const stop = (): void => {
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), stopMs).unref()
    }
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    child.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', stop)
      resolve(code ?? killedBy ?? 1)
    })
  })
}
