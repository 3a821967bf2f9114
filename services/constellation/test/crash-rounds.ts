import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, startSimulatedNetwork, waitFor, within } from '@orrery/testnet'
import { type Contents, cursorOf, readContents, untilAt } from './contents.ts'
import { startTestConstellation } from './harness.ts'

export interface CrashRounds {
  kills: number
  /** Events a second. */
  rate: number
  seed: number
}

/** What is left of an index that was killed again and again, and of one that was not. */
export interface CrashResult {
  killed: Contents
  unbroken: Contents
  /** Events sent. */
  sent: number
}

/** Two indexes follow one simulated network; one of them is killed at random moments and started again. */
export async function crashRounds({ kills, rate, seed }: CrashRounds): Promise<CrashResult> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'constellation-crash-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const network = stack.use(
    await startSimulatedNetwork({
      accounts: 40,
      recordsPerAccount: 20,
      seed,
      maxHistory: 1_000_000,
    }),
  )
  const relay = network.relays[0]!
  const flags = { source: relay.url, 'plc-url': network.plc.url, verify: 'strict' }
  const unbroken = stack.use(
    await startTestConstellation({
      ...flags,
      'allow-private-hosts': true,
      'data-dir': join(folder, 'unbroken'),
    }),
  )
  const killed = { ...flags, 'data-dir': join(folder, 'killed') }
  let child = await startServer(killed, stack)
  await waitFor(() => relay.stats().open === 2, { what: 'both indexes at the relay' })

  const stop = new AbortController()
  const running = network.run(rate, stop.signal)
  const random = createRandom(seed)
  // Who has no place in the stream yet begins with what comes next, and may miss something.
  await waitFor(() => cursorOf(killed['data-dir']) !== undefined, {
    what: 'the first commit',
    timeoutMs: 60_000,
  })
  for (let i = 0; i < kills; i++) {
    await sleep(100 + random.below(1_200))
    child.kill('SIGKILL')
    child = await startServer(killed, stack)
  }
  await sleep(300)
  stop.abort()
  await running
  await untilAt([unbroken.dataDir, killed['data-dir']], network.world.seq)
  return {
    killed: readContents(join(folder, 'killed')),
    unbroken: readContents(unbroken.dataDir),
    sent: network.sent,
  }
}

/** A Constellation in a process of its own, with these flags, that answers. */
export async function startServer(
  flags: Record<string, string>,
  stack: AsyncDisposableStack,
): Promise<ChildProcess> {
  const argv = Object.entries({
    ...flags,
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'verify-threads': '1',
    'commit-interval': '5ms',
  }).map(([name, value]) => `--${name}=${value}`)
  const child = fork(new URL('./crash-server.ts', import.meta.url), [...argv, '--allow-private-hosts'], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  stack.defer(() => {
    child.kill('SIGKILL')
  })
  await within(
    new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    }),
    'the server',
    30_000,
  )
  return child
}
