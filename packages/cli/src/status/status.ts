import type { SuiteFlags } from '../suite/plan.ts'
import { readPlanOrExplain } from '../suite/read-plan.ts'
import { sleep } from '../suite/sleep.ts'
import { bytesInWords, rate, span } from '../suite/units.ts'
import { bold, dim, green, print, red, table, untilInterrupted, yellow } from '../terminal.ts'
import type { ServiceStatus, Verdict } from './judge.ts'
import { createLook, type SuiteStatus } from './look.ts'

export interface StatusFlags extends SuiteFlags {
  host?: string
  json?: boolean
  watch?: boolean
}

const watchEveryMs = 2_000

/** Rates need two looks, milliseconds apart. */
const betweenLooksMs = 1_000

/** `orrery status`: how the services are. Exits with 1 unless all are ok. */
export async function status({ host, json, watch, ...flags }: StatusFlags): Promise<void> {
  const signal = untilInterrupted()
  const plan = await readPlanOrExplain(flags)
  if (!plan) return
  const look = createLook(plan, host)
  await look()
  for (;;) {
    await sleep(watch ? watchEveryMs : betweenLooksMs, signal)
    if (signal.aborted) return
    const seen = await look()
    process.exitCode = seen.ok ? 0 : 1
    if (json) print(JSON.stringify(seen, undefined, watch ? undefined : 2))
    else {
      if (watch && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J')
      print(...show(seen, Date.now()))
    }
    if (!watch) return
  }
}

/** The status as text: a table, and below it what is not as it should be. */
export function show({ services, warnings, supervisor, backup }: SuiteStatus, now: number): string[] {
  const orDash = <T>(value: T | null, text: (value: T) => string): string =>
    value === null ? '-' : text(value)
  const memory = ({ memoryBytes, pid }: ServiceStatus, i: number): string => {
    const isShared = pid !== null && services.findIndex(service => service.pid === pid) < i
    return isShared ? 'same' : orDash(memoryBytes, bytesInWords)
  }
  const rows = services.map((service, i) => [
    bold(service.name),
    coloured(service.status),
    service.address,
    orDash(service.lagMs, span),
    orDash(service.eventsPerSecond, rate),
    orDash(service.diskBytes, bytesInWords),
    memory(service, i),
    orDash(service.starts, starts => String(Math.max(0, starts - 1))),
    orDash(service.lastError, ({ at }) => `${span(Math.max(0, now - at))} ago`),
  ])
  const headings = [
    'service',
    'status',
    'address',
    'lag',
    'events/s',
    'disk',
    'memory',
    'restarts',
    'last error',
  ]
  const problems = services.flatMap(({ name, status: verdict, why, lastError }) => [
    ...(verdict === 'ok' ? [] : [`${bold(name)}: ${why}`]),
    ...(lastError === null
      ? []
      : [dim(`${name}, ${span(Math.max(0, now - lastError.at))} ago: ${lastError.message}`)]),
  ])
  return [
    ...table(headings, rows),
    ...(problems.length > 0 ? ['', ...problems] : []),
    ...(warnings.length > 0 ? ['', ...warnings.map(warning => `${yellow('warning')}  ${warning}`)] : []),
    '',
    dim(
      [
        supervisor
          ? `orrery up, process ${supervisor.pid}, for ${span(now - supervisor.startedAt)}`
          : 'no orrery up is running here',
        versionsOf(services),
        backup &&
          `last backup ${span(now - backup.at)} ago${backup.problem === null ? '' : `, which failed: ${backup.problem}`}`,
      ]
        .filter(Boolean)
        .join('; '),
    ),
  ]
}

function versionsOf(services: readonly ServiceStatus[]): string {
  const versions = [...new Set(services.map(({ version }) => version).filter(version => version !== null))]
  return versions.length > 0 ? `version ${versions.join(' and ')}` : ''
}

function coloured(verdict: Verdict): string {
  if (verdict === 'ok') return green(verdict)
  return verdict === 'starting' || verdict === 'waiting' || verdict === 'restarting'
    ? yellow(verdict)
    : red(verdict)
}
