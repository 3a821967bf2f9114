import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { fileName } from '../src/store/schema.ts'
import { openSqliteLinkLog } from '../src/store/sqlite.ts'
import { tidParts } from '../src/store/tid.ts'
import { makeChanges, makeCommits } from './events.ts'

// What a link takes on disk, and what keeping it takes. The log's clock goes by the revs, a second behind them.

const commits = 60_000
const batchCommits = 40

export async function benchLinkLog(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
  try {
    let nowMs = 1_780_000_000_000
    const log = await openSqliteLinkLog({
      folder,
      delayMs: 21_000,
      recentBytes: 1024 * 1024,
      onFailure(error) {
        throw error
      },
      now: () => nowMs,
    })
    const made = makeCommits(commits)
    const changes = makeChanges(made)
    const cpuBefore = process.cpuUsage()
    let entries = 0
    for (let i = 0; i < commits; i += batchCommits) {
      nowMs = tidParts(made[i + batchCommits - 1]!.rev)!.us / 1000 + 1_000
      entries += (await log.append(changes.slice(i, i + batchCommits).flat(), undefined)).entries
      log.release()
    }
    const { user, system } = process.cpuUsage(cpuBefore)
    await log[Symbol.asyncDispose]()
    const { bytes, links, recordBytes } = sizes(join(folder, fileName), entries)
    return [
      { name: 'bytes of a link in the log', figure: bytes, note: `${links} links in sealed blocks` },
      { name: 'bytes of a record in the forward index', figure: recordBytes },
      { name: 'links/s written by a core', figure: (entries * 1e6) / (user + system) },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sizes(path: string, entries: number): { bytes: number; links: number; recordBytes: number } {
  const db = openDatabase(path, { readonly: true })
  const number = (sql: string): number => db.prepare<[], { n: number | null }>(sql).get()?.n ?? 0
  const links = entries - number('SELECT sum(entries) AS n FROM tail')
  // Whole pages, with what is free in them.
  const blockBytes = number("SELECT sum(pgsize) AS n FROM dbstat WHERE name = 'blocks'")
  const recordBytes = number("SELECT sum(pgsize) AS n FROM dbstat WHERE name LIKE 'records%'")
  const records = number('SELECT count(*) AS n FROM records')
  db.close()
  return { bytes: blockBytes / links, links, recordBytes: recordBytes / records }
}

if (import.meta.main) console.table(await benchLinkLog())
