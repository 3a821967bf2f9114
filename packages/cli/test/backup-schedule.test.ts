import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import type { Plan } from '../src/suite/plan.ts'
import { type BackupScheduleOptions, keepBackingUp } from '../src/up/backup-schedule.ts'
import { openLog } from '../src/up/log.ts'
import { makeMachine, startSuite } from './orrery.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

interface Kept {
  /** What came of each, undefined where it went well. */
  done: (string | undefined)[]
  lines: string[]
}

function keep(options: Pick<BackupScheduleOptions, 'backup' | 'command'> & { dataDir: string }): Kept {
  const stop = new AbortController()
  const kept: Kept = { done: [], lines: [] }
  const plan = { dataDir: options.dataDir, small: false, services: [] } satisfies Plan
  const ended = keepBackingUp({
    ...options,
    plan,
    log: openLog({ format: 'pretty', write: line => kept.lines.push(line) }),
    signal: stop.signal,
    onDone: ({ problem }) => kept.done.push(problem),
  })
  stack.defer(async () => {
    stop.abort()
    await ended
  })
  return kept
}

describe('a scheduled backup', () => {
  it('is made by orrery backup, again and again, while the service runs', async () => {
    const network = stack.use(
      await startSimulatedNetwork({ accounts: 10, recordsPerAccount: 5, curve: 'p256' }),
    )
    const machine = await makeMachine(stack, { source: network.relays[0]!.url, plcUrl: network.plc.url })
    await startSuite(stack, machine, '--only', 'jetstream')
    const to = join(machine.folder, 'backup')
    const { done } = keep({ dataDir: machine.dataDir, backup: { to, everyMs: 500, keep: { last: 2 } } })
    await waitFor(() => done.length >= 2, { timeoutMs: 60_000, everyMs: 50 })
    expect(done.slice(0, 2)).toEqual([undefined, undefined])
    expect(readdirSync(to, { recursive: true }).length).toBeGreaterThan(2)
  }, 120_000)

  it('that fails is said with its reason, and tried again', async () => {
    const command = [process.execPath, '-e', "console.error('Error: the bucket is gone'); process.exit(1)"]
    const backup = { to: 's3://bucket', everyMs: 50, keep: {} }
    const { done, lines } = keep({ dataDir: '/nowhere', command, backup })
    await waitFor(() => done.length >= 2, { timeoutMs: 20_000 })
    expect(done[0]).toBe('Error: the bucket is gone')
    expect(lines.join('\n')).toContain('the backup to s3://bucket failed: Error: the bucket is gone')
  })
})
