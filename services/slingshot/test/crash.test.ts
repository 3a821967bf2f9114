import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { note, savedCursor, startWorld } from './world.ts'

it('a cache that is killed under load has every record as it is, and none that was deleted', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  const folder = await mkdtemp(join(tmpdir(), 'slingshot-crash-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const flags = [
    `--source=${world.relay.url}`,
    `--plc-url=${world.plc.url}`,
    `--data-dir=${folder}`,
    '--allow-private-hosts',
    '--verify=strict',
    '--verify-threads=1',
    '--commit-interval=5ms',
    '--listen=127.0.0.1:0',
    '--metrics-listen=127.0.0.1:0',
  ]
  async function start(): Promise<ChildProcess> {
    const child = fork(new URL('./crash-server.ts', import.meta.url), flags, { execArgv: [] })
    stack.defer(() => void child.kill('SIGKILL'))
    await once(child, 'message')
    return child
  }

  const random = createRandom(7)
  const accounts = Array.from({ length: 6 }, (_, i) => world.account(`a${i}`))
  let child = await start()
  await waitFor(() => world.relay.stats().open === 2)
  const stop = new AbortController()
  let writes = 0
  const writing = (async () => {
    while (!stop.signal.aborted) {
      const account = accounts[random.below(accounts.length)]!
      const rkey = `r${random.below(30)}`
      if (account.repo.has(note, rkey) && random.below(3) === 0) account.delete(rkey)
      else account.write(rkey, `${writes}`)
      writes++
      await sleep(3)
    }
  })()
  // Without a cursor it would begin with what comes then.
  await waitFor(() => savedCursor(folder) !== undefined)
  for (let kills = 0; kills < 3; kills++) {
    await sleep(300 + random.below(700))
    child.kill('SIGKILL')
    await once(child, 'exit')
    child = await start()
  }
  await sleep(300)
  stop.abort()
  await writing
  await waitFor(() => (savedCursor(folder) ?? 0) >= writes, { timeoutMs: 20_000 })
  child.kill('SIGKILL')
  await once(child, 'exit')

  await using store = await openSqliteStore({
    folder,
    budgetBytes: 1e9,
    onFailure: error => {
      throw error
    },
  })
  const kept: Record<string, unknown> = {}
  for (const { did } of accounts) {
    for (let i = 0; i < 30; i++) {
      const found = store.reader.get({ did, collection: note, rkey: `r${i}` })
      if (found?.kind === 'record')
        kept[`${did}/${note}/r${i}`] = { cid: found.cid, value: JSON.parse(found.json) }
    }
  }
  expect(writes).toBeGreaterThan(200)
  expect(kept).toEqual(Object.fromEntries(world.pds.records))
}, 90_000)
