import { once } from 'node:events'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { openDatabase } from '@orrery/storage'
import { createLoadOperations, createRandom, startFakeRelay, waitFor } from '@orrery/testnet'
import { fileName } from '../src/store/sqlite/writer.ts'
import { type Contents, readContents } from './contents.ts'
import { startServer } from './crash-rounds.ts'
import { startTestConstellation } from './harness.ts'

export interface ImportRounds {
  /** Events in the file, whole and damaged. */
  lines: number
  kills: number
  seed: number
}

interface Told {
  lines: number
  bad: number
  unknown: number
}

export interface ImportResult {
  /** What is in the file: lines that are not empty, and how many of them are no event or none that is known. */
  written: Told
  /** What the service said of the plain file, and of the compressed one. */
  told: Partial<Record<keyof Told, unknown>>[]
  /** The index from the plain file, from the compressed one, and from one whose import was killed. */
  plain: Contents
  compressed: Contents
  killed: Contents
  /** Where the killed ones were in the file. */
  killedAt: number[]
  /** The most memory that the process of the last start held, bytes; undefined where the system does not tell. */
  peakRss: number | undefined
  /** What another start with the same file did to the index: nothing, where these are equal. */
  again: Contents
}

/** Imports a made-up recording in three ways: plain, compressed, and killed again and again. */
export async function importRounds({ lines, kills, seed }: ImportRounds): Promise<ImportResult> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'constellation-import-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const relay = stack.use(await startFakeRelay())
  const plainFile = join(folder, 'events.jsonl')
  const zstdFile = `${plainFile}.zst`
  const written = await writeRecording(plainFile, lines, seed)
  await pipeline(createReadStream(plainFile), createZstdCompress(), createWriteStream(zstdFile))
  const flags = { source: relay.url, verify: 'off' }

  const told: ImportResult['told'] = []
  for (const [name, file] of [
    ['plain', plainFile],
    ['compressed', zstdFile],
  ] as const) {
    await using own = await startTestConstellation({ ...flags, 'data-dir': join(folder, name), import: file })
    const summary = await waitFor(() => own.log.find(({ msg }) => msg === 'imported'), { timeoutMs: 300_000 })
    told.push({ lines: summary.lines, bad: summary.bad, unknown: summary.unknown })
  }

  const killedFolder = join(folder, 'killed')
  const killedFlags = { ...flags, 'data-dir': killedFolder, import: zstdFile }
  const killedAt: number[] = []
  for (let i = 0; i < kills; i++) {
    const child = await startServer(killedFlags, stack)
    const until = ((i + 1) * written.lines) / (kills + 1)
    await waitFor(() => importedOf(killedFolder) >= until, { timeoutMs: 120_000 })
    child.kill('SIGKILL')
    await once(child, 'exit')
    killedAt.push(importedOf(killedFolder))
  }
  const last = await startServer(killedFlags, stack)
  await waitFor(() => importedOf(killedFolder) === Number.MAX_SAFE_INTEGER, { timeoutMs: 300_000 })
  const peakRss = peakRssOf(last.pid!)
  last.kill('SIGKILL')
  await once(last, 'exit')
  const killed = readContents(killedFolder)

  await using own = await startTestConstellation(killedFlags)
  await waitFor(() => own.log.some(({ msg, lines: read }) => msg === 'imported' && read === 0))
  const again = readContents(killedFolder)
  return {
    written,
    told,
    plain: readContents(join(folder, 'plain')),
    compressed: readContents(join(folder, 'compressed')),
    killed,
    killedAt,
    peakRss,
    again,
  }
}

/** The line up to which a file was taken in. */
function importedOf(folder: string): number {
  const db = openDatabase(join(folder, fileName), { readonly: true })
  try {
    const sql = `SELECT max(cursor) AS cursor FROM upstream_cursors WHERE source LIKE 'import:%'`
    return db.prepare<[], { cursor: number | null }>(sql).get()?.cursor ?? 0
  } finally {
    db.close()
  }
}

function peakRssOf(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}

/** Lines that are no events, each in its own way. */
const damaged = [
  '{"did":"did:plc:a","time_us":1,"kind":"commit"',
  '[]',
  'null',
  'hello',
  '{"did":"nobody","time_us":1780000000000000,"kind":"identity","identity":{}}',
  '\u0000\u0001\ufffd',
]

/** JSON of kinds that are not known. */
const noEvents = ['{}', '{"kind":"heartbeat","time_us":1}', `{"did":"${'x'.repeat(100_000)}"}`]

/** Writes events as a Jetstream sends them: the network's shares, accounts that go, come back and are deleted, damaged lines. */
async function writeRecording(file: string, lines: number, seed: number): Promise<Told> {
  const random = createRandom(seed)
  const next = createLoadOperations({ seed, accounts: 5_000 })
  const out = createWriteStream(file)
  let timeUs = 1_780_000_000_000_000
  let bad = 0
  let unknown = 0
  for (let i = 0; i < lines; i++) {
    timeUs += 1_000
    const dice = random.below(1_000)
    let line: string
    if (dice < 2) {
      line = noEvents[random.below(noEvents.length)]!
      unknown++
    } else if (dice < 5) {
      line = damaged[random.below(damaged.length)]!
      bad++
    } else {
      const { did, rev, action, collection, rkey, cid, record } = next()
      if (dice < 15) {
        const status = ['deactivated', 'takendown', 'deleted', undefined][random.below(4)]
        const account = { active: status === undefined, did, seq: i, time: '2026-05-28T20:26:40Z', status }
        line = JSON.stringify({ did, time_us: timeUs, kind: 'account', account })
      } else {
        const commit = { rev, operation: action, collection, rkey, ...(cid !== null && { cid }) }
        const head = JSON.stringify({ did, time_us: timeUs, kind: 'commit', commit })
        line = record ? `${head.slice(0, -2)},"record":${Buffer.from(record).toString()}}}` : head
      }
    }
    // Windows' line ends and empty lines are no matter.
    const text = `${line}${dice === 500 ? '\r\n\n' : '\n'}`
    if (!out.write(text)) await once(out, 'drain')
  }
  // One that is no line at all: too long for an event, and without an end.
  for (let i = 0; i < 17; i++) if (!out.write('x'.repeat(1024 * 1024))) await once(out, 'drain')
  out.end()
  await once(out, 'finish')
  return { lines: lines + 1, bad: bad + 1, unknown }
}
