import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runRestore } from '../src/restore.ts'
import { startWorld } from './support.ts'
import { recount } from './writer-process.ts'

it('a snapshot of a store that is written to is its state at the manifest’s cursor, to the row', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 30_000 })
  await world.writer.call('live', { perSecond: 1_000 })
  const restored = join(world.folder, 'restored')
  const cursors: number[] = []
  for (let round = 0; round < 4; round++) {
    const report = await world.backup()
    expect(report.manifest).toMatchObject({
      service: 'store',
      version: '1.2.3',
      files: [{ path: 'store.sqlite', pageSize: 4096, schemaVersion: 3 }],
      upstream: [{ source: 'wss://relay.example' }],
    })
    const dataDir = `${restored}-${round}`
    await runRestore({ service: 'store', dataDir, from: world.to })
    expect(globSync('**', { cwd: dataDir }).filter(name => statSync(join(dataDir, name)).isFile())).toEqual([
      'store.sqlite',
    ])
    const state = recount(join(dataDir, 'store.sqlite'))
    expect(state.problems).toEqual([])
    expect(state.cursor).toBe(report.manifest.upstream[0]!.cursor)
    expect(state.items).toBe(report.manifest.counts['items'])
    cursors.push(state.cursor)
  }
  expect(cursors).toEqual([...new Set(cursors)].toSorted((a, b) => a - b))
  const pauses = await world.writer.call('live', { perSecond: 0 })
  expect(pauses.events).toBeGreaterThan(cursors.at(-1)!)
  await world.writer.call('close')
  expect(recount(join(world.dataDir, 'store.sqlite')).problems).toEqual([])
}, 60_000)

it('after a change of one page in a hundred, wherever they lie, no more than these are sent', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 100_000 })
  const first = await world.backup()
  const again = await world.backup()
  expect(again.manifest.added).toEqual({ objects: 0, bytes: 0 })
  await world.writer.call('touch', 0.01)
  const second = await world.backup()
  expect(second.sent.bytes / first.sent.bytes).toBeLessThan(0.05)
  expect(second.sent.bytes / first.sent.bytes).toBeGreaterThan(0.005)
  await runRestore({ service: 'store', dataDir: join(world.folder, 'restored'), from: world.to })
  expect(recount(join(world.folder, 'restored/store.sqlite')).problems).toEqual([])
}, 60_000)
