import type { Plan } from './plan.ts'

/** What the supervisor knows of a service. */
export interface ServiceState {
  name: string
  /** Where it is reached from this machine, `host:port`. */
  address: string
  /**
   * `waiting`: for its turn. `starting`: its process runs and does not answer yet. `running`: it answers. `restarting`: its
   * process ended, and is started again soon. `stopped`: it is not to run any more.
   */
  phase: 'waiting' | 'starting' | 'running' | 'restarting' | 'stopped'
  /** Since when, milliseconds since 1970. */
  since: number
  pid?: number | undefined
  /** How often its process was started. */
  starts: number
  /** How its process ended the last time, and why. */
  lastEnd?: { at: number; why: string }
  /** The last that it logged as an error. */
  lastError?: { at: number; message: string }
}

/** What the supervisor tells at its socket. */
export interface SuiteState {
  pid: number
  /** What it runs: who asks may have other settings. Folders are absolute; variables are left out. */
  plan: Plan
  version: string
  startedAt: number
  services: readonly ServiceState[]
  /** Of the last backup that it made. */
  backup?: { at: number; problem?: string | undefined }
}
