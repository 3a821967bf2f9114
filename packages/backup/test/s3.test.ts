import { join } from 'node:path'
import { freePort } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openS3 } from '../src/destination/s3.ts'
import { listSnapshots, runRestore } from '../src/restore.ts'
import { type S3Server, s3Servers } from './s3-servers.ts'
import { startWorld, type World } from './support.ts'
import { recount } from './writer-process.ts'

describe.each(s3Servers)('on $name', kind => {
  const { isThere, isStrict } = kind
  let world: World
  let server: S3Server
  let at: { endpoint: string; env: NodeJS.ProcessEnv }
  const to = 's3://snapshots/mine/of this machine'

  beforeAll(async () => {
    if (!isThere) return
    world = await startWorld()
    server = await kind.start(world.folder)
    at = { endpoint: server.endpoint, env: { ...server.env, HOME: world.folder } }
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await world?.[Symbol.asyncDispose]()
  })

  it.runIf(isThere)(
    'snapshots are kept, shared, listed, restored and let go of',
    async () => {
      await world.writer.call('write', { count: 60_000 })
      const first = await world.backup({ to, ...at })
      await world.writer.call('touch', 0.01)
      const second = await world.backup({ to, ...at, keep: { last: 1, hourly: 0, daily: 0, weekly: 0 } })
      expect(second.sent.bytes / first.sent.bytes).toBeLessThan(0.05)
      expect(second.removed.snapshots).toEqual([first.name])
      expect(second.removed.chunks).toBe(0)
      await world.writer.call('write', { count: 60_000, insertShare: 0 })
      const third = await world.backup({ to, ...at, keep: { last: 1, hourly: 0, daily: 0, weekly: 0 } })
      expect(third.removed.chunks).toBeGreaterThan(5)
      const listed = await listSnapshots({ service: 'store', from: to, ...at })
      expect(listed.map(({ name, manifest }) => [name, manifest?.counts])).toEqual([
        [third.name, { items: 60_000 }],
      ])
      const dataDir = join(world.folder, 'restored/store')
      await runRestore({ service: 'store', dataDir, from: to, ...at })
      expect(recount(join(dataDir, 'store.sqlite'))).toMatchObject({ problems: [], cursor: 120_000 })
    },
    60_000,
  )

  it.runIf(isThere && isStrict)(
    'more than a page of objects is listed, and what is not there is nothing',
    async () => {
      const s3 = openS3('s3://snapshots/many', at)
      const names = Array.from({ length: 1_050 }, (_, i) => `a/${String(i).padStart(5, '0')}`)
      await Promise.all(names.map(name => s3.put(name, Buffer.from(name))))
      expect((await s3.list('a/')).map(({ key }) => key).toSorted()).toEqual(names)
      await s3.remove(names.slice(0, 1_000))
      expect((await s3.list('a/')).length).toBe(50)
      expect(await s3.get('a/00000', 100)).toBeUndefined()
      expect(await s3.get('a/01001', 100)).toEqual(Buffer.from('a/01001'))
      await expect(s3.get('a/01001', 3)).rejects.toMatchObject({ code: 'damaged' })
    },
    60_000,
  )

  it.runIf(isThere && isStrict)(
    'who may not, or names no bucket, is told, and no secret with it',
    async () => {
      const env = { ...at.env, AWS_SECRET_ACCESS_KEY: 'wrong-and-secret' }
      const refused = await world
        .backup({ to, endpoint: server.endpoint, env })
        .catch((error: Error) => error)
      expect(refused).toMatchObject({ name: 'BackupError', code: 'unusable' })
      expect((refused as Error).message).toContain('403')
      expect(String((refused as Error).stack)).not.toContain('wrong-and-secret')
      await expect(world.backup({ to: 's3://nobodys', ...at })).rejects.toMatchObject({ name: 'BackupError' })
      await expect(world.backup({ to: 's3://', ...at })).rejects.toThrow('is no s3://bucket/prefix')
    },
    60_000,
  )
})

it('a server that cannot be reached is told of as one that may come back', async () => {
  const s3 = openS3('s3://snapshots/x', { endpoint: `http://127.0.0.1:${await freePort()}`, env: {} })
  await expect(s3.get('a', 10)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})
