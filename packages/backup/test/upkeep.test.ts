import { globSync, readdirSync, readFileSync, truncateSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderForWriting } from '../src/destination/folder.ts'
import { Marks } from '../src/marks.ts'
import { listSnapshots, runRestore } from '../src/restore.ts'
import { startWorld, type World } from './support.ts'
import { recount } from './writer-process.ts'

const newestOnly = { last: 1, hourly: 0, daily: 0, weekly: 0 }

function chunksOf({ to }: World): string[] {
  return globSync('store/chunks/*/*', { cwd: to })
}

async function expectWhole(world: World): Promise<void> {
  const dataDir = join(world.folder, 'restored')
  await runRestore({ service: 'store', dataDir, from: world.to, force: true })
  expect(recount(join(dataDir, 'store.sqlite')).problems).toEqual([])
}

it('old snapshots go, and with them what no other refers to; who cannot list sees it too', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 20_000 })
  const names: string[] = []
  for (let i = 0; i < 4; i++) {
    await world.writer.call('write', { count: 10_000, insertShare: 0 })
    const { name, removed } = await world.backup({ keep: { ...newestOnly, last: 2 } })
    names.push(name)
    expect(removed.snapshots).toEqual(i < 2 ? [] : [names[i - 2]])
    expect(removed.chunks > 0).toBe(i >= 2)
  }
  expect((await listSnapshots({ service: 'store', from: world.to })).map(({ name }) => name)).toEqual(
    names.slice(2),
  )
  expect(JSON.parse(readFileSync(join(world.to, 'store/index.json'), 'utf8'))).toEqual({
    snapshots: names.slice(2),
  })
  expect(globSync('store/maps/*', { cwd: world.to }).length).toBe(2)
  expect(readdirSync(join(world.to, 'store')).toSorted()).toEqual([
    'chunks',
    'collecting',
    'index.json',
    'maps',
    'snapshots',
    'writing',
  ])
  expect(globSync('store/{collecting,writing}/*', { cwd: world.to })).toEqual([])
  await expectWhole(world)
})

it('no chunk goes while somebody else writes a snapshot, or what is used cannot be told', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 20_000 })
  await world.backup()
  await world.writer.call('write', { count: 20_000, insertShare: 0 })
  const mark = join(world.to, 'store/writing/somebody')
  mkdirSync(join(mark, '..'), { recursive: true })
  writeFileSync(mark, JSON.stringify({ time: Date.now() }))
  const before = chunksOf(world)
  const first = await world.backup({ keep: newestOnly })
  expect(first.removed).toMatchObject({ chunks: 0, postponed: 'another process is writing a snapshot there' })
  expect(chunksOf(world).length).toBeGreaterThan(before.length)

  // Who said so two days ago is gone.
  writeFileSync(mark, JSON.stringify({ time: Date.now() - 48 * 3_600_000 }))
  await world.writer.call('write', { count: 100, insertShare: 0 })
  const second = await world.backup({ keep: { ...newestOnly, last: 2 } })
  expect(second.removed.snapshots).toEqual([])
  const path = join(world.to, `store/snapshots/${second.name}.json`)
  const manifest = readFileSync(path, 'utf8')
  writeFileSync(path, manifest.replace('"pages":', '"page5":'))
  await world.writer.call('write', { count: 100, insertShare: 0 })
  const third = await world.backup({ keep: { ...newestOnly, last: 2 } })
  expect(third.removed.postponed).toContain(`${second.name}.json`)
  writeFileSync(path, manifest)
  const fourth = await world.backup({ keep: newestOnly })
  expect(fourth.removed.postponed).toBeUndefined()
  expect(fourth.removed.chunks).toBeGreaterThan(0)
  await expectWhole(world)
})

it('of two who begin at once to write and to collect, one gives way', async () => {
  await using world = await startWorld()
  await using destination = openFolderForWriting(world.to)
  const [one, other] = ['one', 'other'].map(name => new Marks(destination, 'store', name)) as [Marks, Marks]
  {
    await using writing = await one.writing()
    expect(writing).toBeDefined()
    expect(await other.collecting()).toBeUndefined()
    // Its own snapshot is done when it collects.
    await using own = await one.collecting()
    expect(own).toBeDefined()
  }
  await using collecting = await other.collecting()
  expect(collecting).toBeDefined()
  await expect(one.writing(AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'AbortError' })
  expect(globSync('store/*/*', { cwd: world.to }).length).toBe(1)
})

it('a backup that was broken off goes on, and what was lost at the destination is sent again', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 100_000 })
  const stop = new AbortController()
  const sent = { before: 0 }
  await expect(
    world.backup({
      bytesPerSecond: 10_000_000,
      signal: stop.signal,
      onProgress: ({ sentBytes }) => {
        sent.before = sentBytes
        if (sentBytes > 4_000_000) stop.abort()
      },
    }),
  ).rejects.toMatchObject({ name: 'AbortError' })
  expect(await listSnapshots({ service: 'store', from: world.to })).toEqual([])
  const had = chunksOf(world).length
  expect(had).toBeGreaterThan(2)
  const report = await world.backup()
  const maps = 1
  expect(report.manifest.added.objects).toBe(chunksOf(world).length - had + maps)
  await expectWhole(world)

  const [lost] = chunksOf(world)
  truncateSync(join(world.to, lost!), 0)
  const again = await world.backup()
  expect(again.manifest.added.objects).toBe(1)
  await expectWhole(world)
}, 60_000)

it('what changes faster than it can be sent is sent ahead, and the view is held only then', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 40_000 })
  await world.backup()
  await world.writer.call('write', { count: 40_000, insertShare: 0 })
  await world.writer.call('live', { perSecond: 1_000 })
  const phases = new Set<string>()
  const report = await world.backup({
    spoolBytes: 100_000,
    bytesPerSecond: 3_000_000,
    onProgress: ({ phase }) => phases.add(phase),
  })
  expect([...phases]).toEqual(['snapshot', 'reading', 'sending'])
  expect(report.heldMs).toBeLessThan(report.tookMs / 2)
  await expectWhole(world)
}, 60_000)

it('two backups of a store at once are one too many', async () => {
  await using world = await startWorld()
  await world.writer.call('write', { count: 50_000 })
  const first = world.backup({ bytesPerSecond: 5_000_000 })
  await expect(world.backup()).rejects.toMatchObject({ code: 'busy' })
  await first
})
