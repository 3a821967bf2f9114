import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { prepareReadProgress } from '@orrery/firehose'
import { integrityCheck } from '@orrery/storage'
import { expect, onTestFinished } from 'vitest'
import { listSegments } from '../store/segments.ts'
import { readFrom } from './make-events.ts'
import { openTestLog } from './test-log.ts'
import { withDatabase } from './test-writer.ts'

const script = fileURLToPath(new URL('doomed-writer.ts', import.meta.url))

/** Runs the writer until it has acknowledged so many appends and a moment more, and kills it. Answers the last that it acknowledged. */
async function killAfter(
  folder: string,
  appends: number,
  momentMs: number,
  startMs: number,
): Promise<number> {
  const child = spawn(process.execPath, [script, folder, String(startMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = new Promise<NodeJS.Signals | null>(resolve => {
    child.once('exit', (_code, signal) => resolve(signal))
  })
  let acknowledged = 0
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line)
    if (++lines === appends) setTimeout(() => child.kill('SIGKILL'), momentMs)
  }
  expect(await exited).toBe('SIGKILL')
  return acknowledged
}

/** Kills a writer in the same folder again and again; after each time, everything acknowledged is there once. */
export async function crashRounds(folder: string, rounds: number): Promise<void> {
  const startMs = Date.parse('2026-08-14T12:00:00Z')
  let [events, last] = [0, 0]
  for (let round = 0; round < rounds; round++) {
    const appends = 25 + Math.floor(Math.random() * 20)
    const acknowledged = await killAfter(folder, appends, Math.random() * 10, startMs + round * 1_000)
    for (const { path } of listSegments(join(folder, 'segments'))) {
      expect(withDatabase(path, integrityCheck)).toEqual([])
    }
    const { log, problems, failures } = await openTestLog(folder, {
      limits: { sealEvents: 7, sealBytes: 20_000 },
    })
    const cursor = withDatabase(
      join(folder, 'state.sqlite'),
      db => prepareReadProgress(db).cursor('wss://relay.example')?.cursor ?? 0,
    )
    const names = await readFrom(log, 0)
    expect(cursor).toBeGreaterThanOrEqual(acknowledged)
    expect(names).toEqual(Array.from({ length: cursor }, (_, i) => `e${i + 1}`))
    expect(names.length).toBeGreaterThan(events)
    expect(log.last).toBeGreaterThan(last)
    expect([problems, failures]).toEqual([[], []])
    ;[events, last] = [names.length, log.last]
    await log[Symbol.asyncDispose]()
  }
  // It did get to sealing, in many hours.
  expect(listSegments(join(folder, 'segments')).length).toBeGreaterThan(1)
}
