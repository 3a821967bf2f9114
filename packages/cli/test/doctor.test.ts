import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { readdirSync } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startSimulatedNetwork } from '@orrery/testnet'
import { openDatabase } from '@orrery/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { mountSmallDisk } from '../../../services/jetstream/test/support/small-disk.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { checkMemory, checkOpenFiles } from '../src/doctor/machine.ts'
import { openFilesLimit } from '../src/machine/limits.ts'
import { type Machine, makeMachine, run, startSuite } from './orrery.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const nobody = { source: 'ws://127.0.0.1:9', plcUrl: 'http://127.0.0.1:9' }

interface Report {
  status: number | string
  ok: boolean
  of(name: string): Finding
  findings: Finding[]
}

async function examine(machine: Machine, ...args: readonly string[]): Promise<Report> {
  const { status, output } = await run(machine, 'doctor', '--json', '--data-dir', machine.dataDir, ...args)
  const { ok, findings } = JSON.parse(output) as { ok: boolean; findings: Finding[] }
  const of = (name: string): Finding => findings.find(finding => finding.name === name)!
  return { status, ok, findings, of }
}

/** A directory of DIDs whose clock is off. */
async function startPlc(aheadMs: number): Promise<string> {
  const server = createHttpServer((_request, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString()).end('{"version":"1"}')
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  stack.defer(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('orrery doctor', () => {
  it('has nothing to mend beside a suite that runs, and leaves it alone', async () => {
    const network = stack.use(
      await startSimulatedNetwork({ accounts: 20, recordsPerAccount: 5, curve: 'p256' }),
    )
    const machine = await makeMachine(stack, { source: network.relays[0]!.url, plcUrl: await startPlc(0) })
    const args = ['--without', 'slingshot']
    const suite = await startSuite(stack, machine, ...args)
    const sending = new AbortController()
    stack.defer(() => sending.abort())
    void network.run(30, sending.signal)
    const report = await examine(machine, ...args)
    const bad = report.findings.filter(({ state }) => state === 'fail')
    expect([report.status, report.ok, bad]).toEqual([0, true, []])
    for (const name of [
      'versions',
      'free disk',
      'ports',
      'clock',
      'PLC',
      'relay',
      'databases of constellation',
    ]) {
      expect(report.of(name)).toMatchObject({ state: expect.stringMatching(/ok|warn/) })
    }
    expect(report.of('relay').found).toMatch(/sends, the first after/)
    expect(report.of('disk speed').found).toMatch(/^[\d.]+ ms for a write that lasts/)
    expect(suite.output()).not.toContain('ended')
    // Nothing of its own is left in the folder.
    expect(readdirSync(machine.dataDir).filter(name => name.includes('doctor'))).toEqual([])
  }, 120_000)

  it('tells what is wrong without a network, each with its remedy, and exits with 1', async () => {
    const machine = await makeMachine(stack, { source: 'wss://relay.invalid', plcUrl: 'http://plc.invalid' })
    const report = await examine(machine)
    expect([report.status, report.ok]).toEqual([1, false])
    expect(report.of('DNS')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('relay.invalid: '),
      remedy: expect.stringContaining('is this machine online?'),
    })
    expect(report.of('clock').state).toBe('skip')
    expect(report.of('PLC')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('JETSTREAM_PLC_URL'),
    })
    expect(report.of('relay')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('JETSTREAM_SOURCE'),
    })
    for (const { state, remedy } of report.findings) {
      expect(remedy === undefined).toBe(state === 'ok' || state === 'skip')
    }
  }, 60_000)

  it('tells of a clock that is wrong, either way', async () => {
    for (const [aheadMs, words] of [
      [-60_000, '60 s ahead'],
      [3 * 3_600_000, '3 h behind'],
    ] as const) {
      const machine = await makeMachine(stack, { ...nobody, plcUrl: await startPlc(aheadMs) })
      const { found, state, remedy } = (await examine(machine, '--only', 'jetstream')).of('clock')
      expect([state, remedy]).toEqual(['fail', expect.stringContaining('timedatectl set-ntp true')])
      expect(found.replace(/^(59|60|61)(\.\d)? s/, '60 s')).toContain(words)
    }
  }, 60_000)

  it('names who has a port', async () => {
    const machine = await makeMachine(stack, nobody)
    const thief = createServer()
    stack.defer(() => void thief.close())
    const port = Number(machine.address('slingshot').split(':')[1])
    await new Promise<void>(done => thief.listen(port, '127.0.0.1', done))
    const finding = (await examine(machine)).of('ports')
    expect(finding.state).toBe('fail')
    expect(finding.found).toMatch(
      new RegExp(`^port ${port}, for slingshot, is in use by .*: stop that, or set SLINGSHOT_LISTEN`),
    )
  }, 60_000)

  it('finds a database that is damaged, and says what to do', async () => {
    const machine = await makeMachine(stack, nobody)
    const folder = join(machine.dataDir, 'jetstream')
    await mkdir(folder, { recursive: true })
    const file = join(folder, 'state.sqlite')
    const db = openDatabase(file)
    db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT')
    const insert = db.prepare('INSERT INTO t (b) VALUES (?)')
    for (let i = 0; i < 2_000; i++) insert.run(`row ${i} `.repeat(10))
    db.pragma('wal_checkpoint(TRUNCATE)')
    db.close()
    const only = ['--only', 'jetstream']
    expect((await examine(machine, ...only)).of('databases of jetstream')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/^1 with .* sound$/),
    })
    const handle = await open(file, 'r+')
    await handle.write(Buffer.alloc(4_096, 0x5a), 0, 4_096, 4_096 * 5)
    await handle.close()
    expect((await examine(machine, ...only)).of('databases of jetstream')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('state.sqlite: '),
      remedy: expect.stringContaining('restore a backup (docs/backup.md)'),
    })
    await writeFile(file, 'this is no database at all')
    expect((await examine(machine, ...only)).of('databases of jetstream').state).toBe('fail')
  }, 60_000)

  it('tells of a full disk', async context => {
    const disk = mountSmallDisk(16)
    if (typeof disk === 'string') return context.skip(disk)
    stack.use(disk)
    const machine = await makeMachine(stack, { ...nobody, dataDir: disk.folder })
    await mkdir(disk.folder, { recursive: true })
    disk.fill()
    const report = await examine(machine, '--only', 'jetstream')
    expect(report.of('free disk')).toMatchObject({
      state: 'fail',
      found: expect.stringMatching(/^the disk is full: 0 kB of 17 MB/),
      remedy: expect.stringContaining('JETSTREAM_RETENTION'),
    })
    expect(report.of('disk speed')).toMatchObject({ state: 'fail', found: expect.stringContaining('ENOSPC') })
  }, 60_000)

  it('counts settings that cannot be used as its first finding', async () => {
    const machine = await makeMachine(stack, nobody)
    machine.env.JETSTREAM_RETENTION = 'long'
    const report = await examine(machine)
    expect(report.status).toBe(2)
    expect(report.findings).toEqual([
      expect.objectContaining({
        name: 'settings',
        state: 'fail',
        found: expect.stringContaining('JETSTREAM_RETENTION'),
      }),
    ])
  }, 30_000)
})

describe('limits of the machine', () => {
  it('reads how many files may be open, as Linux tells it', () => {
    const line = (hard: string): string =>
      `Max open files            1024                 ${hard}              files\n`
    expect(openFilesLimit(line('4096'))).toBe(4096)
    expect(openFilesLimit(line('unlimited'))).toBe(Infinity)
    expect(openFilesLimit('')).toBeUndefined()
    expect(checkOpenFiles(4_096)).toMatchObject({
      state: 'warn',
      remedy: expect.stringContaining('LimitNOFILE=65536'),
    })
    expect([checkOpenFiles(65_536).state, checkOpenFiles(Infinity).state]).toEqual(['ok', 'ok'])
  })

  it('suggests --small where memory is short', () => {
    expect(checkMemory({ small: false }, 4e9)).toMatchObject({
      state: 'warn',
      remedy: expect.stringContaining('--small'),
    })
    expect([checkMemory({ small: true }, 4e9).state, checkMemory({ small: false }, 8e9).state]).toEqual([
      'ok',
      'ok',
    ])
  })
})
