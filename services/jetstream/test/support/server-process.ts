import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { waitFor } from '@orrery/testnet'

export interface LogLine {
  level: string
  msg: string
  [field: string]: unknown
}

/** A Jetstream as a process of its own, as an operator starts it. Killed when disposed, if it is still there. */
export interface ServerProcess extends AsyncDisposable {
  readonly child: ChildProcess
  /** What it wrote to its log. */
  readonly log: readonly LogLine[]
  /** Where it serves, `ws://…/subscribe`; undefined until it does, and again once it has ended. */
  readonly url: string | undefined
  /** Resolves to the address when it serves; rejects with the last of its log where it ends first. */
  serving(): Promise<string>
  kill(signal?: NodeJS.Signals): Promise<void>
}

const main = new URL('../../src/main.ts', import.meta.url).pathname

/** Starts one with flags, on free ports. What it prints outside of its log goes to this process's standard error. */
export function startServerProcess(flags: Record<string, string | true>): ServerProcess {
  const all: Record<string, string | true> = {
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'log-format': 'json',
    'verify-threads': '1',
    ...flags,
  }
  const argv = Object.entries(all).map(([name, value]) =>
    value === true ? `--${name}` : `--${name}=${value}`,
  )
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const log: LogLine[] = []
  let url: string | undefined
  createInterface({ input: child.stdout }).on('line', text => {
    const line = JSON.parse(text) as LogLine
    log.push(line)
    if (line.msg === 'serving') url = line.subscribe as string
  })
  child.once('exit', () => (url = undefined))

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    child.kill(signal)
    await ended
  }

  return {
    child,
    log,
    get url() {
      return url
    },
    serving: () =>
      waitFor(
        () => {
          if (child.exitCode === null && child.signalCode === null) return url
          throw new Error(`the server ended with ${child.exitCode}: ${log.at(-1)?.msg}`)
        },
        { timeoutMs: 30_000, what: 'the server' },
      ),
    kill,
    [Symbol.asyncDispose]: () => kill(),
  }
}
