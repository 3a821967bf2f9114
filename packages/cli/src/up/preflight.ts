import { setTimeout as sleep } from 'node:timers/promises'
import { clockAheadMs, clockRemedy, clockToleranceMs, httpOf, inWords } from '../machine/clock.ts'
import {
  diskOf,
  lowDiskBytes,
  lowOpenFiles,
  memoryBytes,
  openFilesLimit,
  smallMemoryBytes,
} from '../machine/limits.ts'
import { portProblem, wantedPorts } from '../machine/ports.ts'
import type { Plan } from '../suite/plan.ts'
import { bytesInWords } from '../suite/units.ts'

/** How long ports may be in use by services that are just stopping, milliseconds. */
const stoppingMs = 3_000

/** What keeps the suite from starting: every port that is taken, with who has it and which setting changes it. */
export async function portProblems(plan: Plan): Promise<string[]> {
  const wanted = wantedPorts(plan)
  for (const until = Date.now() + stoppingMs; ;) {
    const problems = await Promise.all(wanted.map(portProblem))
    const taken = problems.filter(problem => problem !== undefined)
    if (taken.length === 0 || Date.now() >= until) return taken
    await sleep(300)
  }
}

/** What the operator should know of the machine before anything goes wrong, each with its remedy. */
export function machineWarnings(plan: Pick<Plan, 'dataDir' | 'small'>): string[] {
  const files = openFilesLimit()
  const memory = memoryBytes()
  const warnings: string[] = []
  const low = diskWarning(plan.dataDir)
  if (low !== undefined) warnings.push(low)
  if (files !== undefined && files < lowOpenFiles) {
    warnings.push(
      `only ${files} files may be open at a time, and each subscriber is one: raise that with \`ulimit -n 65536\`, LimitNOFILE=65536 in a systemd unit, or ulimits in a compose file`,
    )
  }
  if (!plan.small && memory < smallMemoryBytes) {
    warnings.push(`this machine has ${bytesInWords(memory)} of memory: --small keeps all services in 1.2 GB`)
  }
  return warnings
}

/** A word about a disk with little room; undefined where there is enough. */
export function diskWarning(dataDir: string): string | undefined {
  const disk = diskOf(dataDir)
  if (!disk || disk.freeBytes >= lowDiskBytes) return undefined
  return `only ${bytesInWords(disk.freeBytes)} are free for ${dataDir}: services stop taking events in when it is full. Make room, or keep less (JETSTREAM_RETENTION, JETSTREAM_RETENTION_SIZE, SPACEDUST_RETENTION, SLINGSHOT_DISK)`
}

/** A word about a clock that is wrong by those of the suite's servers; undefined where it is right, or nobody could be asked. */
export async function clockWarning(plan: Plan, timeoutMs?: number): Promise<string | undefined> {
  const [first] = plan.services
  if (!first) return undefined
  const servers = [first.plcUrl, ...(first.followsJetstream ? [] : first.source.map(httpOf))]
  for (const server of servers) {
    const ahead = await clockAheadMs(server, timeoutMs).catch(() => undefined)
    if (ahead === undefined) continue
    if (Math.abs(ahead) <= clockToleranceMs) return undefined
    return `this machine’s clock is ${inWords(ahead)}, by that of ${new URL(server).host}: ${clockRemedy}`
  }
  return undefined
}
