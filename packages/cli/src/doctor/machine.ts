import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  diskOf,
  existingFolder,
  lowDiskBytes,
  lowOpenFiles,
  memoryBytes,
  openFilesLimit,
  smallMemoryBytes,
} from '../machine/limits.ts'
import { portProblem, userOf, wantedPorts } from '../machine/ports.ts'
import { askHealth } from '../suite/ask.ts'
import type { Plan } from '../suite/plan.ts'
import type { SuiteState } from '../suite/state.ts'
import { bytesInWords } from '../suite/units.ts'
import { fail, type Finding, ok, saidBy, skip, warn } from './finding.ts'

/** What runs: the versions here, and whether the services are of the same. */
export async function checkVersions(plan: Plan, version: string): Promise<Finding> {
  const answers = await Promise.all(plan.services.map(async ({ address }) => askHealth(address)))
  const running = new Set(answers.flatMap(answer => (answer ? [answer.version] : [])))
  running.delete(version)
  const here = `Orrery ${version}, Node ${process.versions.node} on ${process.platform} ${process.arch}`
  if (Number(process.versions.node.split('.')[0]) < 24)
    return warn(
      'versions',
      here,
      'this Node is older than what Orrery is tested with: start it with `npm start`, which brings its own',
    )
  if (running.size > 0)
    return warn(
      'versions',
      `${here}; running: ${[...running].join(', ')}`,
      'stop the suite and start it again, so that it runs what is installed',
    )
  return ok('versions', here)
}

export function checkOpenFiles(limit = openFilesLimit()): Finding {
  if (limit === undefined) return skip('open files', 'this system does not tell its limit')
  const found = limit === Infinity ? 'any number' : `${limit} at a time`
  if (limit >= lowOpenFiles) return ok('open files', found)
  return warn(
    'open files',
    `${found}; each subscriber is one`,
    'raise it: `ulimit -n 65536` before the start, LimitNOFILE=65536 in a systemd unit, or ulimits in a compose file',
  )
}

export function checkMemory({ small }: Pick<Plan, 'small'>, bytes = memoryBytes()): Finding {
  const found = bytesInWords(bytes)
  if (small || bytes >= smallMemoryBytes) return ok('memory', found)
  return warn('memory', found, 'start with --small, which keeps all services in 1.2 GB')
}

/** Each disk that data is on, or is going to be on. */
export function checkRoom({ dataDir }: Pick<Plan, 'dataDir'>): Finding {
  const disk = diskOf(dataDir)
  if (!disk) return skip('free disk', `this system does not tell for ${dataDir}`)
  const found = `${bytesInWords(disk.freeBytes)} of ${bytesInWords(disk.totalBytes)} for ${dataDir}`
  if (disk.freeBytes >= lowDiskBytes) return ok('free disk', found)
  const remedy =
    'make room, move the data (--data-dir), or keep less: JETSTREAM_RETENTION, JETSTREAM_RETENTION_SIZE, SPACEDUST_RETENTION, SLINGSHOT_DISK'
  const isFull = disk.freeBytes < 64 * 1024 * 1024
  return isFull ? fail('free disk', `the disk is full: ${found}`, remedy) : warn('free disk', found, remedy)
}

const writes = 20

/** A commit of SQLite that is to survive a power cut waits for this long. */
export function checkDiskSpeed({ dataDir }: Pick<Plan, 'dataDir'>): Finding {
  const file = join(existingFolder(dataDir), `.orrery-doctor-${process.pid}`)
  const times: number[] = []
  try {
    const handle = openSync(file, 'w')
    try {
      for (let i = 0; i < writes; i++) {
        const startedAt = performance.now()
        writeSync(handle, Buffer.alloc(4_096, i))
        fsyncSync(handle)
        times.push(performance.now() - startedAt)
      }
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    return fail(
      'disk speed',
      `${dataDir} cannot be written: ${saidBy(error)}`,
      'make room on its disk, or give the folder to the user that runs Orrery (chown)',
    )
  } finally {
    rmSync(file, { force: true })
  }
  times.sort((a, b) => a - b)
  const [median, worst] = [times[writes / 2]!, times.at(-1)!]
  const found = `${median.toFixed(1)} ms for a write that lasts, at worst ${worst.toFixed(1)} ms`
  if (median <= 25) return ok('disk speed', found)
  return warn(
    'disk speed',
    found,
    'this is slow, as SD cards and network disks are: put the data on an SSD, or gather more a commit (JETSTREAM_COMMIT_INTERVAL=250ms)',
  )
}

/** Whether each port is free, or had by the service that it is for. */
export async function checkPorts(plan: Plan, suite: SuiteState | undefined): Promise<Finding> {
  const wanted = wantedPorts(plan)
  const problems = await Promise.all(
    wanted.map(async want => {
      const problem = await portProblem(want)
      if (problem === undefined) return undefined
      const pid = suite?.services.find(({ name }) => name === want.service)?.pid
      const user = userOf(want.address.port)
      if (pid !== undefined && user?.pid === pid) return undefined
      const { address } = plan.services.find(({ name }) => name === want.service)!
      // Without a supervisor who could tell: where the service answers, its ports are its own.
      return suite === undefined && (await askHealth(address)) ? undefined : problem
    }),
  )
  const real = problems.filter(problem => problem !== undefined)
  const numbers = wanted.map(({ address }) => address.port).join(', ')
  if (real.length === 0) return ok('ports', numbers)
  return fail('ports', real.join('; '), 'stop these programs, or choose other ports by the settings named')
}
