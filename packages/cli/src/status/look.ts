import { clockWarning, diskWarning } from '../up/preflight.ts'
import { askSupervisor } from '../up/control.ts'
import type { Plan } from '../suite/plan.ts'
import { judge, type ServiceStatus } from './judge.ts'
import { observe, type Sample } from './observe.ts'

/** The suite as the operator sees it. */
export interface SuiteStatus {
  /** Whether every service is. */
  ok: boolean
  services: ServiceStatus[]
  /** What is wrong with the machine: a clock, a disk. */
  warnings: string[]
  /** The process that supervises, where there is one. */
  supervisor: { pid: number; version: string; startedAt: number } | null
  backup: { at: number; problem: string | null } | null
}

/** Makes looks at a suite; rates are those since the look before. */
export function createLook(planned: Plan, host?: string): () => Promise<SuiteStatus> {
  const samples = new Map<string, Sample>()
  const isHere = host === undefined
  // A clock does not go wrong between two looks, and others' servers are not to be asked each second.
  let clock: Promise<string | undefined> | undefined
  return async () => {
    const suite = isHere ? await askSupervisor(planned.dataDir) : undefined
    // What runs counts, and not what the settings of whoever asks would run.
    const plan = suite?.plan ?? planned
    clock ??= isHere ? clockWarning(plan, 3_000) : Promise.resolve(undefined)
    const [wrongClock, ...looks] = await Promise.all([
      clock,
      ...plan.services.map(service =>
        observe({
          service,
          host,
          supervised: suite?.services.find(({ name }) => name === service.name),
          before: samples.get(service.name),
        }),
      ),
    ])
    let jetstream: ServiceStatus | undefined
    const services = looks.map(({ seen, sample }) => {
      if (sample) samples.set(seen.service.name, sample)
      const status = judge(seen, jetstream)
      if (!seen.service.followsJetstream) jetstream ??= status
      return status
    })
    const lowDisk = isHere ? diskWarning(plan.dataDir) : undefined
    return {
      ok: services.every(({ status }) => status === 'ok'),
      services,
      warnings: [lowDisk, wrongClock].filter(warning => warning !== undefined),
      supervisor: suite ? { pid: suite.pid, version: suite.version, startedAt: suite.startedAt } : null,
      backup: suite?.backup ? { at: suite.backup.at, problem: suite.backup.problem ?? null } : null,
    }
  }
}
