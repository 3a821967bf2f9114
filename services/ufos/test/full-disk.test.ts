import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, openDatabase } from '@orrery/storage'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { mountSmallDisk } from '../../jetstream/test/support/small-disk.ts'
import { fileName } from '../src/store/sqlite/store.ts'
import { createWithSecret } from '../src/store/testing/tested-sqlite.ts'
import { cursorOf, readContents, untilAt } from './contents.ts'
import { startTestUfos, type TestUfos } from './harness.ts'

/**
 * Reads as a backup does, of a store whose log is empty. With few collections the store grows no more, but for what has to
 * be kept for such a reader.
 */
function holdSnapshot(folder: string): Database {
  const db = openDatabase(join(folder, fileName))
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.exec('BEGIN')
  db.prepare('SELECT count(*) FROM collection').get()
  return db
}

const patience = { timeoutMs: 60_000 }

it('a full disk stops the counting with a clear word, and nothing else; nothing is lost', async context => {
  const disk = mountSmallDisk(32)
  if (typeof disk === 'string') return context.skip(disk)
  await using stack = new AsyncDisposableStack()
  stack.use(disk)
  const folder = await mkdtemp(join(tmpdir(), 'ufos-full-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const network = stack.use(
    await startSimulatedNetwork({ accounts: 150, recordsPerAccount: 5, maxHistory: 1_000_000 }),
  )
  const relay = network.relays[0]!
  for (const each of [folder, disk.folder]) createWithSecret(each, 3)
  const start = (dataDir: string): Promise<TestUfos> =>
    startTestUfos({
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
  await waitFor(() => relay.stats().open === 2, { what: 'both at the relay' })
  const said = (text: string): number => full.log.filter(({ msg }) => msg.includes(text)).length

  const stop = new AbortController()
  const feeding = network.run(200, stop.signal)
  stack.defer(() => stop.abort())
  await waitFor(() => network.sent > 400 && cursorOf(disk.folder) !== undefined, patience)

  let held = holdSnapshot(disk.folder)
  disk.fill()
  await waitFor(
    () => said('the disk is full: counting has stopped, nothing is lost. Make room') > 0,
    patience,
  )
  const stoppedAt = cursorOf(disk.folder)!
  const sent = network.sent
  const { total } = await full.get<{ total: { creates: number } }>('/totals')
  await waitFor(() => network.sent > sent + 100, patience)
  // It answers what it has, and says that it is behind.
  expect(total.creates).toBeGreaterThan(0)
  expect(await full.get('/totals')).toMatchObject({ total })
  expect(cursorOf(disk.folder)).toBe(stoppedAt)
  await waitFor(() => (full.service.health().lagMs ?? 0) > 500, patience)
  expect(full.failures).toEqual([])

  held.close()
  disk.free()
  await waitFor(() => said('there is room on the disk again') > 0, patience)
  await waitFor(() => (cursorOf(disk.folder) ?? 0) > stoppedAt, patience)

  // Stopped while the disk is full, it begins again where it was.
  held = holdSnapshot(disk.folder)
  disk.fill()
  await waitFor(() => said('the disk is full: counting has stopped') > 1, patience)
  held.close()
  await full[Symbol.asyncDispose]()
  disk.free()
  full = await start(disk.folder)
  await sleep(500)
  stop.abort()
  await feeding
  await untilAt([unbroken.dataDir, disk.folder], network.world.seq)
  expect(full.failures).toEqual([])
  await full[Symbol.asyncDispose]()
  await unbroken[Symbol.asyncDispose]()
  const contents = await readContents(disk.folder)
  expect(contents).toEqual(await readContents(folder))
  expect(contents.total.creates).toBeGreaterThan(300)
}, 180_000)
