import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, waitFor } from '@orrery/testnet'
import { services } from '../src/services.ts'
import type { SuiteStatus } from '../src/status/look.ts'
import { variableOf } from '../src/suite/variables.ts'

const command = new URL('../src/main.ts', import.meta.url).pathname

/** A machine of its own for `orrery`: a folder, ports, and a network to follow. */
export interface Machine {
  readonly folder: string
  readonly dataDir: string
  /** What every command gets. */
  readonly env: NodeJS.ProcessEnv
  /** `host:port` of each service. */
  address(service: string): string
}

export interface MachineOptions {
  source: string
  plcUrl: string
  /** Default: a folder of its own for temporary files. */
  dataDir?: string
  env?: NodeJS.ProcessEnv
}

/** Makes one; what it holds is removed with the stack. */
export async function makeMachine(stack: AsyncDisposableStack, options: MachineOptions): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-machine-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const addresses = new Map<string, string>()
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' }
  for (const { name } of services) {
    addresses.set(name, `127.0.0.1:${await freePort()}`)
    env[variableOf(name, 'listen')] = addresses.get(name)
    env[variableOf(name, 'metricsListen')] = `127.0.0.1:${await freePort()}`
    env[variableOf(name, 'plcUrl')] = options.plcUrl
    env[variableOf(name, 'allowPrivateHosts')] = 'true'
  }
  env.JETSTREAM_SOURCE = options.source
  return {
    folder,
    dataDir: options.dataDir ?? join(folder, 'data'),
    env: { ...env, ...options.env },
    address: name => addresses.get(name)!,
  }
}

export interface Running {
  child: ChildProcess
  /** What it has printed. */
  output: () => string
  /** Its exit status, or the signal that ended it. */
  ended: Promise<number | string>
}

/** Runs the command as an operator does, in the machine's folder. */
export function start(stack: AsyncDisposableStack, machine: Machine, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: machine.folder,
    env: machine.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(timer)
  })
  return { child, output: () => output, ended }
}

export interface Ended {
  status: number | string
  output: string
}

/** Runs the command to its end. */
export async function run(machine: Machine, ...args: readonly string[]): Promise<Ended> {
  await using stack = new AsyncDisposableStack()
  const { ended, output } = start(stack, machine, ...args)
  return { status: await ended, output: output() }
}

/** Runs `orrery up`, and waits until all of its services answer. */
export async function startSuite(
  stack: AsyncDisposableStack,
  machine: Machine,
  ...args: readonly string[]
): Promise<Running> {
  const running = start(stack, machine, 'up', '--data-dir', machine.dataDir, ...args)
  const isUp = (): boolean => running.output().includes('all services answer')
  await waitFor(() => isUp() || running.child.exitCode !== null, { timeoutMs: 90_000 }).catch(() => {})
  if (!isUp()) throw new Error(`the suite is not up: ${running.output()}`)
  return running
}

/** What `orrery status --json` says. */
export async function statusOf(machine: Machine, ...args: readonly string[]): Promise<SuiteStatus> {
  const { output } = await run(machine, 'status', '--json', '--data-dir', machine.dataDir, ...args)
  return JSON.parse(output) as SuiteStatus
}

/** The process of each service, as the supervisor's socket tells. */
export async function pidsOf(machine: Machine): Promise<Map<string, number>> {
  const { askSupervisor } = await import('../src/up/control.ts')
  const state = await askSupervisor(machine.dataDir)
  return new Map((state?.services ?? []).flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])))
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
