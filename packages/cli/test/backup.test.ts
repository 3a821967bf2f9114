import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { BackupReport, RestoreReport } from '@orrery/backup'
import { createProgressTables } from '@orrery/firehose/progress'
import { openDatabase } from '@orrery/storage'
import { startFakeRelay, startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { cursorOf, readContents, untilSettled } from '../../../services/constellation/test/contents.ts'
import { startTestConstellation } from '../../../services/constellation/test/harness.ts'
import { startTestJetstream, subscribe } from '../../../services/jetstream/test/harness.ts'

const run = promisify(execFile)
const main = new URL('../src/main.ts', import.meta.url).pathname

async function orrery<T>(...args: string[]): Promise<T> {
  const { stdout } = await run(process.execPath, [main, ...args, '--json'], { timeout: 120_000 })
  return JSON.parse(stdout) as T
}

function timeOf(line: string): number {
  return (JSON.parse(line) as { time_us: number }).time_us
}

it('what is restored of a suite that was saved under load is what it had, to the event, and goes on from there', async () => {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'orrery-suite-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const place = (...parts: string[]): string => join(root, ...parts)
  const network = stack.use(
    await startSimulatedNetwork({ accounts: 60, recordsPerAccount: 20, seed: 8, maxHistory: 200_000 }),
  )
  const jetstream = stack.use(
    await startTestJetstream({
      source: network.relays[0]!.url,
      'plc-url': network.plc.url,
      'allow-private-hosts': true,
      'data-dir': place('data/jetstream'),
    }),
  )
  const constellation = stack.use(
    await startTestConstellation({
      source: jetstream.subscribeUrl(),
      'data-dir': place('data/constellation'),
    }),
  )
  const live = stack.use(await subscribe(jetstream.subscribeUrl()))
  const stop = new AbortController()
  const running = network.run(1_000, stop.signal)
  stack.defer(() => stop.abort())
  await waitFor(() => live.messages.length > 1_000, { what: 'a thousand events', timeoutMs: 150_000 })

  const backup = ['backup', '--data-dir', place('data'), '--to', place('to')]
  await orrery<BackupReport[]>(...backup)
  await sleep(1_000)
  const [ofJetstream, ofLinks] = (await orrery<BackupReport[]>(...backup)) as [BackupReport, BackupReport]
  await sleep(1_000)
  stop.abort()
  await running
  await untilSettled([place('data/constellation')])
  expect([jetstream.failures, constellation.failures]).toEqual([[], []])

  const { lines } = live
  // The index: as an index comes out that was told of the events up to the manifest's cursor, and of no other.
  const { cursor } = ofLinks.manifest.upstream[0]!
  expect(cursor).toBeLessThan(cursorOf(place('data/constellation'))!)
  const told = lines.filter(line => timeOf(line) <= cursor)
  expect(told.length).toBeGreaterThan(1_000)
  expect(told.length).toBeLessThan(lines.length)
  await writeFile(place('events.jsonl'), told.map(line => `${line}\n`).join(''))
  const silent = stack.use(await startFakeRelay())
  const recount = stack.use(
    await startTestConstellation({
      source: silent.url,
      verify: 'off',
      import: place('events.jsonl'),
      'data-dir': place('recount'),
    }),
  )
  await waitFor(() => recount.log.some(({ msg }) => msg === 'imported'), { what: 'the import' })
  const restored = await orrery<RestoreReport>(
    'restore',
    'constellation',
    '--from',
    place('to'),
    '--data-dir',
    place('restored'),
  )
  expect(restored.manifest.counts).toEqual(ofLinks.manifest.counts)
  const contents = readContents(place('restored/constellation'))
  expect(contents).toEqual(readContents(place('recount')))
  expect(contents.totals).toEqual(contents.recounted)
  expect(ofLinks.manifest.counts).toMatchObject(contents.totals)

  await expect(
    orrery('restore', 'constellation', '--from', place('to'), '--data-dir', place('restored')),
  ).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('give --force') })

  // It goes on from there to where the other is.
  {
    await using again = await startTestConstellation({
      source: jetstream.subscribeUrl(),
      'data-dir': place('restored/constellation'),
    })
    await untilSettled([place('data/constellation'), place('restored/constellation')])
    expect(again.failures).toEqual([])
  }
  expect(readContents(place('restored/constellation'))).toEqual(readContents(place('data/constellation')))

  // The log, of several files: the events up to its newest, each once.
  await orrery('restore', 'jetstream', '--from', place('to'), '--data-dir', place('restored'))
  const log = stack.use(
    await startTestJetstream({ source: silent.url, verify: 'off', 'data-dir': place('restored/jetstream') }),
  )
  const newest = ofJetstream.manifest.counts['newestUs']!
  const had = lines.filter(line => timeOf(line) <= newest)
  const replayed = stack.use(await subscribe(log.subscribeUrl(`cursor=${timeOf(lines[0]!)}`)))
  await waitFor(() => replayed.messages.length >= had.length, { what: 'the replay', timeoutMs: 30_000 })
  await sleep(200)
  expect(replayed.lines).toEqual(had)
}, 300_000)

it('finds stores where the settings have them, and says what is wrong with settings', async () => {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'orrery-suite-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const dataDir = join(root, 'elsewhere')
  const config = join(root, 'settings.json')
  await writeFile(config, JSON.stringify({ dataDir: join(root, 'data'), constellation: { dataDir } }))
  const db = openDatabase(join(dataDir, 'links.sqlite'))
  createProgressTables(db)
  db.exec('CREATE TABLE totals (records, links, dids, targetables)')
  db.close()
  const [report] = await orrery<BackupReport[]>('backup', '--config', config, '--to', join(root, 'to'))
  expect(report!.manifest.files.map(({ path }) => path)).toEqual(['links.sqlite'])
  await rm(dataDir, { recursive: true })
  await orrery('restore', 'constellation', '--config', config, '--from', join(root, 'to'))
  expect(existsSync(join(dataDir, 'links.sqlite'))).toBe(true)

  await writeFile(config, JSON.stringify({ nonsense: 1 }))
  await expect(orrery('backup', '--config', config, '--to', join(root, 'to'))).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nonsense'),
  })
}, 60_000)
