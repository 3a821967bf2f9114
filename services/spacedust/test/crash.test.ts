import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSimulatedNetwork, waitFor, within } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { startTestSpacedust, subscribe } from './harness.ts'

// Two follow one network; one of them is killed in the middle of it, with links held, and started again.

// The run is short beside it, however busy the machine is: all is held through the kills, and what is undone is the same.
const delay = '10m'
// Then both are started again with this one, and let everything out.
const hasty = '100ms'
const patience = { timeoutMs: 60_000 }
const all = 'cursor=0&wantedOperations=create&wantedOperations=delete'

it('what was killed under load replays what an unbroken one sent; what was held is not lost', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'spacedust-crash-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const network = stack.use(
    await startSimulatedNetwork({ accounts: 30, recordsPerAccount: 20, seed: 7, maxHistory: 1_000_000 }),
  )
  const relay = network.relays[0]!
  const flags = { source: relay.url, 'plc-url': network.plc.url, verify: 'strict', delay }
  const kept = { ...flags, 'data-dir': join(folder, 'unbroken'), 'allow-private-hosts': true } as const
  const unbroken = stack.use(await startTestSpacedust(kept))
  using live = await subscribe(unbroken.subscribeUrl(`instant=true&${all}`))
  using liveDelayed = await subscribe(unbroken.subscribeUrl(all))
  const killed = { ...flags, 'data-dir': join(folder, 'killed') }
  let server = await startServer(killed, stack)
  await waitFor(() => relay.stats().open === 2, { what: 'both at the relay', ...patience })

  const stop = new AbortController()
  const running = network.run(80, stop.signal)
  for (let i = 0; i < 3; i++) {
    await sleep(400 + i * 300)
    server.child.kill('SIGKILL')
    server = await startServer(killed, stack)
  }
  await sleep(300)
  stop.abort()
  await running
  using replayed = await subscribe(`${server.url}?instant=true&${all}`)
  await waitFor(() => replayed.messages.length >= live.messages.length, patience).catch(() => {})
  expect(live.messages.length).toBeGreaterThan(50)
  expect(replayed.messages.length).toBe(live.messages.length)
  await sleep(300)
  const sorted = (lines: string[]): string[] =>
    lines.map(line => line.replace(/"origin":"(live|replay)"/, '"origin"')).toSorted()
  expect(sorted(replayed.lines)).toEqual(sorted(live.lines))

  expect(liveDelayed.messages).toHaveLength(0)
  server.child.kill('SIGKILL')
  server = await startServer({ ...killed, delay: hasty }, stack)
  await unbroken[Symbol.asyncDispose]()
  const again = stack.use(await startTestSpacedust({ ...kept, delay: hasty }))
  using delayed = await subscribe(again.subscribeUrl(all))
  using replayedDelayed = await subscribe(`${server.url}?${all}`)
  const held = (): number => delayed.messages.length
  await waitFor(() => held() > 50 && replayedDelayed.messages.length >= held(), patience)
  await sleep(300)
  expect(sorted(replayedDelayed.lines)).toEqual(sorted(delayed.lines))
  // Some were undone.
  expect(held()).toBeLessThan(live.messages.length)
}, 300_000)

async function startServer(
  flags: Record<string, string>,
  stack: AsyncDisposableStack,
): Promise<{ child: ChildProcess; url: string }> {
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
  const url = await within(
    new Promise<string>((resolve, reject) => {
      child.once('message', (message: string) => resolve(message))
      child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    }),
    'the server',
    90_000,
  )
  return { child, url: `${url.replace('http', 'ws')}/subscribe` }
}
