import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { mountSmallDisk } from '../../jetstream/test/support/small-disk.ts'
import { cursorOf, readContents, untilAt } from './contents.ts'
import { startTestConstellation, type TestConstellation } from './harness.ts'

const patience = { timeoutMs: 60_000 }

it('a full disk stops the index with a clear word, and nothing else; nothing is lost', async context => {
  const disk = mountSmallDisk(32)
  if (typeof disk === 'string') return context.skip(disk)
  await using stack = new AsyncDisposableStack()
  stack.use(disk)
  const folder = await mkdtemp(join(tmpdir(), 'constellation-full-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const network = stack.use(
    await startSimulatedNetwork({ accounts: 200, recordsPerAccount: 5, maxHistory: 1_000_000 }),
  )
  const relay = network.relays[0]!
  const start = (dataDir: string): Promise<TestConstellation> =>
    startTestConstellation({
      source: relay.url,
      'plc-url': network.plc.url,
      'data-dir': dataDir,
      'allow-private-hosts': true,
      verify: 'strict',
    })
  const unbroken = stack.use(await start(folder))
  let full = await start(disk.folder)
  // The one that runs then.
  stack.defer(async () => full[Symbol.asyncDispose]())
  await waitFor(() => relay.stats().open === 2, { what: 'both indexes at the relay' })
  const said = (text: string): number => full.log.filter(({ msg }) => msg.includes(text)).length

  const stop = new AbortController()
  const feeding = network.run(200, stop.signal)
  stack.defer(() => stop.abort())
  await waitFor(() => network.sent > 400 && cursorOf(disk.folder) !== undefined, patience)

  disk.fill()
  await waitFor(
    () => said('the disk is full: indexing has stopped, nothing is lost. Make room') > 0,
    patience,
  )
  const stoppedAt = cursorOf(disk.folder)!
  const sent = network.sent
  const { stats } = await full.get<{ stats: { linking_records: number } }>('/')
  await waitFor(() => network.sent > sent + 100, patience)
  // It answers what it has, and says that it is behind.
  expect(stats.linking_records).toBeGreaterThan(0)
  expect(await full.get('/')).toMatchObject({ stats })
  expect(cursorOf(disk.folder)).toBe(stoppedAt)
  await waitFor(() => (full.service.health().lagMs ?? 0) > 500, patience)
  expect(full.failures).toEqual([])

  disk.free()
  await waitFor(() => said('there is room on the disk again') > 0, patience)
  await waitFor(() => (cursorOf(disk.folder) ?? 0) > stoppedAt, patience)

  // Stopped while the disk is full, it begins again where it was.
  disk.fill()
  await waitFor(() => said('the disk is full: indexing has stopped') > 1, patience)
  await full[Symbol.asyncDispose]()
  disk.free()
  full = await start(disk.folder)
  await sleep(500)
  stop.abort()
  await feeding
  await untilAt([unbroken.dataDir, disk.folder], network.world.seq)
  const contents = readContents(disk.folder)
  expect(contents).toEqual(readContents(unbroken.dataDir))
  expect(contents.lists.length).toBeGreaterThan(100)
  expect(full.failures).toEqual([])
}, 180_000)
