import { leanEnvironment, leanFlags } from '../../../packages/cli/src/lean.ts'

/** How `orrery up` starts a service's process, for `startProcess`. */
export const lean = { flags: leanFlags, env: leanEnvironment() }
