import { spawn } from 'node:child_process'
import type { BackupPlan } from '../suite/config.ts'
import type { Plan } from '../suite/plan.ts'
import { sleep } from '../suite/sleep.ts'
import type { SuiteState } from '../suite/state.ts'
import type { SuiteLog } from './log.ts'

export interface BackupScheduleOptions {
  plan: Plan
  backup: BackupPlan
  log: SuiteLog
  signal: AbortSignal
  onDone: (last: NonNullable<SuiteState['backup']>) => void
  /** How it is made. Default: `orrery backup`, as a process of its own. */
  command?: readonly string[]
}

const main = new URL('../main.ts', import.meta.url).pathname

/** After a start the services have other things to do first, milliseconds. */
const firstMs = 5 * 60_000

/** After one that failed, milliseconds. */
const againMs = 10 * 60_000

/** Makes backups on schedule, one at a time, until the signal aborts; what goes wrong is said, and tried again. */
export async function keepBackingUp(options: BackupScheduleOptions): Promise<void> {
  const { backup, log, signal, onDone } = options
  await sleep(Math.min(firstMs, backup.everyMs), signal)
  while (!signal.aborted) {
    const problem = await backUp(options)
    if (signal.aborted) return
    onDone({ at: Date.now(), problem })
    if (problem === undefined) log.say(`backed up to ${backup.to}`)
    else log.say(`the backup to ${backup.to} failed: ${problem}. Trying again in 10 min`, 'error')
    await sleep(problem === undefined ? backup.everyMs : Math.min(againMs, backup.everyMs), signal)
  }
}

/** Makes one; undefined where it is made, else why not. */
async function backUp({
  plan,
  backup,
  log,
  signal,
  command,
}: BackupScheduleOptions): Promise<string | undefined> {
  const [program, ...args] = command ?? [process.execPath, main, 'backup', ...backupFlags(plan, backup)]
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = (): void => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  let said: string | undefined
  log.follow('backup', { out: child.stdout, err: child.stderr }, gist => (said = gist))
  const status = await new Promise<number | string>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, killedBy) => resolve(code ?? killedBy ?? 1))
  })
  signal.removeEventListener('abort', stop)
  return status === 0 ? undefined : (said ?? `it ended with ${status}`)
}

function backupFlags({ dataDir, config }: Plan, { to, endpoint, keep }: BackupPlan): string[] {
  return [
    `--to=${to}`,
    `--data-dir=${dataDir}`,
    // Services may have folders of their own.
    ...(config === undefined ? [] : [`--config=${config}`]),
    ...(endpoint === undefined ? [] : [`--endpoint=${endpoint}`]),
    ...Object.entries(keep).map(([span, count]) => `--keep-${span}=${count}`),
  ]
}
