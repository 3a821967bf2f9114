import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { afterAll, describe, expect, it, onTestFinished } from 'vitest'

import { integrityCheck, openDatabase } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-crash-'))
afterAll(() => rmSync(folder, { recursive: true }))

const doomedWriter = fileURLToPath(new URL('./fixtures/doomed-writer.ts', import.meta.url))

/** Runs the writer until it says `until`, kills it with SIGKILL there, and answers all that it had said. */
async function killAt(path: string, until: string, stopAt: number): Promise<string[]> {
  const child = spawn(process.execPath, [doomedWriter, path, String(stopAt)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = new Promise<NodeJS.Signals | null>(resolve =>
    child.once('exit', (_code, signal) => resolve(signal)),
  )
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (line === until) child.kill('SIGKILL')
  }
  expect(await exited).toBe('SIGKILL')
  return said
}

function stateOf(path: string) {
  const db = openDatabase(path)
  const state = {
    problems: integrityCheck(db),
    cursor: db.prepare<[], number>('SELECT batch FROM cursor').pluck().get(),
    batches: db
      .prepare<[], { batch: number; rows: number }>(
        'SELECT batch, count(*) AS rows FROM item GROUP BY batch ORDER BY batch',
      )
      .all(),
  }
  db.close()
  return state
}

describe('kill -9', () => {
  it('in the middle of a transaction leaves what was committed, and nothing of the rest', async () => {
    const path = join(folder, 'inside.sqlite')
    expect(await killAt(path, 'inside 3', 3)).toEqual(['committed 1', 'committed 2', 'inside 3'])
    // Pages of the third batch had reached the WAL: the two committed ones are 1 MB.
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(1_200_000)
    expect(stateOf(path)).toEqual({
      problems: [],
      cursor: 2,
      batches: [
        { batch: 1, rows: 500 },
        { batch: 2, rows: 500 },
      ],
    })
  })

  it('at any moment keeps every batch that was reported, whole and with its cursor', async () => {
    const path = join(folder, 'anywhere.sqlite')
    const said = await killAt(path, 'committed 5', 0)
    const { problems, cursor, batches } = stateOf(path)
    expect(problems).toEqual([])
    expect(cursor).toBeGreaterThanOrEqual(said.length)
    expect(batches).toEqual(Array.from({ length: cursor ?? 0 }, (_, i) => ({ batch: i + 1, rows: 500 })))
  })
})
