import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createRandom, waitFor } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listSnapshots, runRestore } from '../src/restore.ts'
import type { RestoreOptions } from '../src/restore.ts'
import { serveFolder } from './file-server.ts'
import { startWorld, type World } from './support.ts'
import { recount } from './writer-process.ts'

let world: World
let names: string[]
let publicKey: string

beforeAll(async () => {
  world = await startWorld()
  await world.writer.call('write', { count: 40_000 })
  const first = await world.backup()
  await world.writer.call('write', { count: 2_000, insertShare: 0.5 })
  const second = await world.backup()
  names = [first.name, second.name]
  publicKey = second.manifest.publicKey
})
afterAll(() => world[Symbol.asyncDispose]())

let places = 0
function freshPlace(): string {
  return join(world.folder, `place-${++places}/store`)
}

/** A copy of the destination, to be damaged. */
function copyOfSnapshots(): string {
  const copy = join(world.folder, `copy-${++places}`)
  cpSync(world.to, copy, { recursive: true })
  return copy
}

function restore(options: Partial<RestoreOptions>) {
  return runRestore({ service: 'store', dataDir: freshPlace(), from: world.to, ...options })
}

function chunksIn(folder: string): string[] {
  return globSync('store/chunks/*/*', { cwd: folder }).toSorted()
}

describe('a snapshot is chosen', () => {
  it('by time, and each is what the store was then', async () => {
    const [first, second] = await listSnapshots({ service: 'store', from: world.to })
    expect([first!.name, second!.name]).toEqual(names)
    const dataDir = freshPlace()
    const older = await restore({ dataDir, asOf: new Date(Date.parse(second!.time) - 1) })
    expect(older.name).toBe(names[0])
    expect(recount(join(dataDir, 'store.sqlite'))).toEqual({
      problems: [],
      cursor: 40_000,
      items: 40_000,
      versions: 0,
    })
    const newest = await restore({})
    expect(newest.name).toBe(names[1])
    await expect(restore({ asOf: new Date(0) })).rejects.toMatchObject({
      code: 'missing',
      message: `the oldest snapshot of store is of ${first!.time}`,
    })
    await expect(restore({ service: 'other' })).rejects.toThrow('there is no snapshot of other')
  })

  it('only when it is signed with the key that is trusted', async () => {
    await expect(restore({ trustKey: publicKey })).resolves.toBeDefined()
    const another = `${publicKey.startsWith('A') ? 'B' : 'A'}${publicKey.slice(1)}`
    await expect(restore({ trustKey: another })).rejects.toMatchObject({ code: 'untrusted' })
  })

  it('and one that was changed after it was signed is told of, and refused', async () => {
    const from = copyOfSnapshots()
    const path = join(from, `store/snapshots/${names[1]}.json`)
    writeFileSync(path, readFileSync(path, 'utf8').replace('"items":', '"item5":'))
    await expect(restore({ from })).rejects.toMatchObject({ code: 'untrusted' })
    const [, listed] = await listSnapshots({ service: 'store', from })
    expect(listed).toMatchObject({
      manifest: undefined,
      problem: expect.stringContaining('changed after it was signed'),
    })
  })
})

describe('what is damaged is found and named:', () => {
  const damages: Record<string, (bytes: Buffer) => Buffer | undefined> = {
    'a flipped bit': bytes => {
      const copy = Buffer.from(bytes)
      copy[bytes.length >> 1]! ^= 1
      return copy
    },
    'a cut end': bytes => bytes.subarray(0, -7),
    'an empty file': () => Buffer.alloc(0),
    'random bytes': bytes => randomBytes(bytes.length),
    'nothing at all': () => undefined,
    'far too much': bytes => Buffer.concat([bytes, Buffer.alloc(1 << 20)]),
  }
  it.each(Object.keys(damages))('%s in place of a chunk, of a map', async name => {
    const from = copyOfSnapshots()
    for (const key of [chunksIn(from).at(3)!, globSync('store/maps/*', { cwd: from })[0]!]) {
      const path = join(from, key)
      const bytes = readFileSync(path)
      const damaged = damages[name]!(bytes)
      if (damaged) writeFileSync(path, damaged)
      else rmSync(path)
      const asOf = key.includes('maps') ? undefined : new Date()
      // One of the two snapshots uses the map.
      const dataDir = freshPlace()
      const results = await Promise.allSettled(
        names.map((_, i) =>
          restore({ from, dataDir: `${dataDir}${i}`, asOf: i === 0 ? beforeSecond() : asOf }),
        ),
      )
      const errors = results.flatMap(result => (result.status === 'rejected' ? [result.reason as Error] : []))
      expect(errors.length).toBeGreaterThan(0)
      for (const error of errors) {
        expect(error).toMatchObject({ name: 'BackupError', code: damaged ? 'damaged' : 'missing' })
        expect(error.message).toContain(name === 'far too much' ? key : key.split('/').at(-1))
      }
      for (const [i, result] of results.entries()) {
        expect(existsSync(`${dataDir}${i}`)).toBe(result.status === 'fulfilled')
      }
      writeFileSync(path, bytes)
    }
  })

  it('a sound chunk that belongs elsewhere', async () => {
    const from = copyOfSnapshots()
    const [one, other] = chunksIn(from) as [string, string]
    cpSync(join(from, one), join(from, other))
    await expect(restore({ from })).rejects.toThrow(`${other} at ${from} (of store.sqlite) is damaged`)
  })
})

/** Just before the second snapshot. */
function beforeSecond(): Date {
  const time = names[1]!.replace(/T(\d\d)(\d\d)/, 'T$1:$2:')
  return new Date(Date.parse(time) - 1)
}

describe('a store that is there', () => {
  it('is not touched without force, and replaced with it, its caches taken along', async () => {
    const dataDir = freshPlace()
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(join(dataDir, 'store.sqlite'), 'mine')
    writeFileSync(join(dataDir, 'identity.sqlite'), 'who is who')
    await expect(restore({ dataDir })).rejects.toMatchObject({
      code: 'exists',
      message: `there is a store in ${dataDir}. To replace it, stop its service and give --force; or choose another --data-dir.`,
    })
    await restore({ dataDir, verifyOnly: true })
    expect(readFileSync(join(dataDir, 'store.sqlite'), 'utf8')).toBe('mine')
    expect(readdirSync(join(dataDir, '..'))).toEqual(['store'])
    await restore({ dataDir, force: true })
    expect(recount(join(dataDir, 'store.sqlite')).problems).toEqual([])
    expect(readFileSync(join(dataDir, 'identity.sqlite'), 'utf8')).toBe('who is who')
    expect(readdirSync(join(dataDir, '..'))).toEqual(['store'])
  })

  it('is not replaced while its service has it', async () => {
    const dataDir = freshPlace()
    await restore({ dataDir })
    const { lockFolder } = await import('@orrery/storage')
    using service = lockFolder(dataDir)
    expect(service).toBeDefined()
    await expect(restore({ dataDir, force: true })).rejects.toMatchObject({ code: 'busy' })
    expect(recount(join(dataDir, 'store.sqlite')).problems).toEqual([])
  })
})

describe('from a web server without lists', () => {
  it('what is cut is asked for again; what came before a failure is not', async () => {
    const from = copyOfSnapshots()
    await using server = await serveFolder(from)
    const dataDir = freshPlace()
    // Every other answer is cut once.
    const cut = new Set<string>()
    server.cuts = path =>
      path.includes('chunks') && path.at(-1)! < '8' && !cut.has(path) && Boolean(cut.add(path))
    const missing = chunksIn(from).at(-1)!
    const bytes = readFileSync(join(from, missing))
    rmSync(join(from, missing))
    await expect(restore({ from: server.url, dataDir })).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining(missing),
    })
    expect(cut.size).toBeGreaterThan(1)
    expect(existsSync(dataDir)).toBe(false)
    const asked = new Set(server.asked.filter(path => path.includes('chunks') && !path.endsWith(missing)))
    server.asked.length = 0
    writeFileSync(join(from, missing), bytes)
    const report = await restore({ from: server.url, dataDir })
    const again = server.asked.filter(path => asked.has(path))
    expect(again).toEqual([])
    const fetched = new Set(server.asked.filter(path => path.includes('chunks')))
    expect(report.fetched.objects).toBe(fetched.size)
    expect(recount(join(dataDir, 'store.sqlite')).problems).toEqual([])
  }, 60_000)
})

describe('killed at any moment, a restore', () => {
  it('leaves no store or a whole one, and goes on from there', async () => {
    const random = createRandom(5)
    for (let round = 0; round < 6; round++) {
      const dataDir = freshPlace()
      const isReplacing = round % 2 === 1
      if (isReplacing) {
        mkdirSync(dataDir, { recursive: true })
        writeFileSync(join(dataDir, 'store.sqlite'), 'mine')
      }
      const options = {
        service: 'store',
        dataDir,
        from: world.to,
        force: isReplacing,
        bytesPerSecond: 8_000_000,
      }
      const at = { phase: ['fetching', 'checking'][random.below(2)]!, percent: 10 + random.below(80) }
      await killAt({ ...options, at })
      const path = join(dataDir, 'store.sqlite')
      expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(isReplacing ? 'mine' : undefined)
      const { fetched } = await restore({ dataDir, force: isReplacing })
      // All was fetched when it was checked.
      const atMost = at.phase === 'checking' ? 0 : chunksIn(world.to).length - 1
      expect(fetched.objects).toBeLessThanOrEqual(atMost)
      expect(recount(join(dataDir, 'store.sqlite')).problems).toEqual([])
      expect(readdirSync(join(dataDir, '..'))).toEqual(['store'])
    }
  }, 120_000)
})

it('a store that was taken away when the new one was not yet there is put back first', async () => {
  const dataDir = freshPlace()
  await restore({ dataDir })
  renameSync(dataDir, `${dataDir}.replaced`)
  await expect(restore({ dataDir })).rejects.toMatchObject({ code: 'exists' })
  expect(recount(join(dataDir, 'store.sqlite')).problems).toEqual([])
  expect(readdirSync(join(dataDir, '..'))).toEqual(['store'])
})

/** Starts a restore and kills it when it is at a share of a phase. */
async function killAt(options: { at: { phase: string; percent: number } }): Promise<void> {
  const child = fork(new URL('./restore-process.ts', import.meta.url), [JSON.stringify(options)], {
    execArgv: [],
  })
  let ended = false
  child.on('exit', () => (ended = true))
  child.once('message', () => child.kill('SIGKILL'))
  await waitFor(() => ended, { what: `the restore at ${JSON.stringify(options.at)}`, timeoutMs: 60_000 })
  expect(child.signalCode).toBe('SIGKILL')
}
