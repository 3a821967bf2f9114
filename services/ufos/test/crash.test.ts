import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { createWithSecret } from '../src/store/testing/tested-sqlite.ts'
import { cursorOf, readContents, untilAt } from './contents.ts'
import { startTestUfos } from './harness.ts'

it('a store that is killed under load has counted what one has that was not', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'ufos-crash-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const network = stack.use(
    await startSimulatedNetwork({
      accounts: 200,
      recordsPerAccount: 20,
      seed: 11,
      statusChanges: 0.02,
      maxHistory: 1_000_000,
    }),
  )
  const relay = network.relays[0]!
  const flags = { source: relay.url, 'plc-url': network.plc.url, verify: 'strict', 'commit-interval': '5ms' }
  const folders = ['unbroken', 'killed'].map(name => join(folder, name)) as [string, string]
  // The same secret, so that estimates are the same as well.
  for (const each of folders) createWithSecret(each, 3)
  const unbroken = await startTestUfos({ ...flags, 'allow-private-hosts': true, 'data-dir': folders[0] })
  stack.use(unbroken)

  async function start(): Promise<ChildProcess> {
    const all = { ...flags, listen: '127.0.0.1:0', 'metrics-listen': '127.0.0.1:0', 'data-dir': folders[1] }
    const argv = Object.entries(all).map(([name, value]) => `--${name}=${value}`)
    const child = fork(
      new URL('./crash-server.ts', import.meta.url),
      [...argv, '--allow-private-hosts', '--verify-threads=1'],
      { execArgv: [] },
    )
    stack.defer(() => void child.kill('SIGKILL'))
    await once(child, 'message')
    return child
  }

  let child = await start()
  await waitFor(() => relay.stats().open === 2, { what: 'both at the relay' })
  const stop = new AbortController()
  const running = network.run(300, stop.signal)
  // Cut before its first event, a source is followed from its live end again.
  await waitFor(() => folders.every(each => cursorOf(each) !== undefined), { what: 'a first event in both' })
  const random = createRandom(7)
  for (let kills = 0; kills < 4; kills++) {
    await sleep(100 + random.below(1_000))
    child.kill('SIGKILL')
    await once(child, 'exit')
    child = await start()
  }
  await sleep(300)
  stop.abort()
  await running
  await untilAt(folders, network.world.seq)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await unbroken[Symbol.asyncDispose]()

  const [whole, killed] = [await readContents(folders[0]), await readContents(folders[1])]
  expect(killed).toEqual(whole)
  expect(whole.total.creates).toBeGreaterThan(500)
  expect(whole.total.dids).toBeGreaterThan(128)
  expect(whole.samples.length).toBeGreaterThan(100)
}, 120_000)
