import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '@orrery/storage'
import { type Process, startProcess } from '@orrery/testnet'
import type { Figure } from '../../../scripts/bench/figure.ts'
import type { Pauses, WriterApi } from '../test/writer-process.ts'
import type { BackupApi } from './backup-process.ts'

/** The store, bytes: `ORRERY_BENCH_STORE_MB`, by default 2 GB. */
const storeBytes = Number(process.env['ORRERY_BENCH_STORE_MB'] ?? 2_048) * 1024 * 1024

const perSecond = 1_000
const queryEveryMs = 2
const changedShare = 0.01
const mb = 1_000_000

/**
 * A store that takes in a thousand events a second and is asked five hundred times a second: how fast it is saved and brought
 * back, beside copying its file and compressing the copy; what that does to commits and queries; and what a second snapshot
 * sends when one page in a hundred has changed.
 */
export async function benchBackup(): Promise<Figure[]> {
  await using cleanUp = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-backup-'))
  cleanUp.defer(() => rmSync(folder, { recursive: true, force: true }))
  const writer = cleanUp.use(startProcess<WriterApi>(new URL('../test/writer-process.ts', import.meta.url)))
  const worker = cleanUp.use(startProcess<BackupApi>(new URL('./backup-process.ts', import.meta.url)))
  const dataDir = join(folder, 'data/store')
  await writer.call('open', { folder: dataDir })
  await writer.call('fill', storeBytes)
  const file = join(dataDir, 'store.sqlite')
  const megabytes = statSync(file).size / mb
  process.stderr.write(`  a store of ${Math.round(megabytes)} MB\n`)

  await writer.call('live', { perSecond, insertShare: 0.02 })
  const asked = cleanUp.use(ask(file))
  await sleep(5_000)
  const usual = await pauses(writer, asked)

  const to = join(folder, 'copy')
  const copy = await worker.call('copy', { file, to })
  const copied = await pauses(writer, asked)
  process.stderr.write(`  copied in ${copy.toFixed(1)} s\n`)

  const options = {
    service: 'store',
    dataDir,
    to: join(folder, 'to'),
    stateDir: join(folder, 'data/backup'),
  }
  const first = await worker.call('backup', options)
  const during = await pauses(writer, asked)
  process.stderr.write(`  first snapshot in ${(first.tookMs / 1000).toFixed(1)} s\n`)

  await writer.call('live', { perSecond: 0 })
  const settled = await worker.call('backup', options)
  await writer.call('touch', changedShare)
  const second = await worker.call('backup', options)
  process.stderr.write(`  second snapshot in ${(second.tookMs / 1000).toFixed(1)} s\n`)
  await writer.call('live', { perSecond, insertShare: 0.02 })
  await sleep(1_000)
  await pauses(writer, asked)
  const third = await worker.call('backup', options)
  const duringThird = await pauses(writer, asked)
  await writer.call('live', { perSecond: 0 })

  const back = await worker.call('uncopy', { to })
  const restored = await worker.call('restore', {
    service: 'store',
    dataDir: join(folder, 'back'),
    from: options.to,
  })
  const held = `the view was held for ${Math.round(first.heldMs)} ms, the log had ${(first.walBytes / mb).toFixed(1)} MB then`
  return [
    beside('MB/s of a first snapshot', megabytes, first.tookMs / 1000, 'copy and zstd', copy, held),
    {
      name: 's of a second snapshot',
      figure: second.tookMs / 1000,
      note: `the view was held for ${Math.round(second.heldMs)} ms; under load ${Math.round(third.heldMs)} ms, the log had ${(third.walBytes / mb).toFixed(1)} MB then`,
    },
    beside(
      'MB/s of a restore',
      megabytes,
      restored.tookMs / 1000,
      'unzstd',
      back,
      'which looks through every page as well',
    ),
    worst('ms that a commit takes at most, during a first snapshot', during.commits, usual.commits),
    worst('ms that a commit takes at most, during a later snapshot', duringThird.commits, usual.commits),
    worst('ms that a commit takes beside a plain copy', copied.commits, usual.commits),
    worst('ms that a query takes at most, during a first snapshot', during.queries, usual.queries),
    worst('ms that a query takes at most, during a later snapshot', duringThird.queries, usual.queries),
    {
      name: 'share of the bytes sent again, one page in a hundred changed',
      figure: second.sent.bytes / first.sent.bytes,
      note: `${(second.sent.bytes / mb).toFixed(1)} MB of ${(first.sent.bytes / mb).toFixed(0)} MB; ${(settled.sent.bytes / mb).toFixed(1)} MB for what came in during the first`,
    },
  ]
}

interface Spread {
  longestMs: number
  p99Ms: number
}

/** Asks for rows at random, on a connection of its own, and notes how long each takes. */
function ask(file: string): { take(): Spread } & Disposable {
  const db = openDatabase(file, { readonly: true })
  const items = db.prepare('SELECT items FROM total').pluck().get() as number
  const row = db.prepare('SELECT content FROM item WHERE id = ?')
  let times: number[] = []
  const timer = setInterval(() => {
    const startedAt = performance.now()
    row.get(1 + Math.floor(Math.random() * items))
    times.push(performance.now() - startedAt)
  }, queryEveryMs)
  return {
    take() {
      const sorted = times.toSorted((a, b) => a - b)
      times = []
      return { longestMs: sorted.at(-1) ?? 0, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 }
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      db.close()
    },
  }
}

/** Since the last time. */
async function pauses(
  writer: Process<WriterApi>,
  asked: { take(): Spread },
): Promise<{ commits: Pauses; queries: Spread }> {
  return { commits: await writer.call('live', { perSecond, insertShare: 0.02 }), queries: asked.take() }
}

function beside(
  name: string,
  megabytes: number,
  ours: number,
  peer: string,
  theirs: number,
  note: string,
): Figure {
  return {
    name,
    figure: megabytes / ours,
    peer,
    peerFigure: megabytes / theirs,
    ratio: theirs / ours,
    note,
  }
}

function worst(name: string, { longestMs, p99Ms }: Spread, usual: Spread): Figure {
  return {
    name,
    figure: longestMs,
    peer: 'without one',
    peerFigure: usual.longestMs,
    note: `p99 ${p99Ms.toFixed(2)} ms, without one ${usual.p99Ms.toFixed(2)} ms`,
  }
}

if (import.meta.main) console.table(await benchBackup())
