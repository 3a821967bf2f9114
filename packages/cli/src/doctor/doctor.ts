import { projectVersion } from '@orrery/server/version'
import type { Plan, SuiteFlags } from '../suite/plan.ts'
import { badUsage, PlanError, readPlan } from '../suite/read-plan.ts'
import { bold, dim, green, print, red, yellow } from '../terminal.ts'
import { askSupervisor } from '../up/control.ts'
import { checkDatabases } from './data.ts'
import { fail, type Finding } from './finding.ts'
import {
  checkDiskSpeed,
  checkMemory,
  checkOpenFiles,
  checkPorts,
  checkRoom,
  checkVersions,
} from './machine.ts'
import { checkClock, checkDirectories, checkDns, checkSources } from './network.ts'

export interface DoctorFlags extends SuiteFlags {
  json?: boolean
  deep?: boolean
}

/** `orrery doctor`: looks for what is wrong, with a remedy for each. Exits with 1 where anything fails. */
export async function doctor({ json, deep = false, ...flags }: DoctorFlags): Promise<void> {
  const findings: Finding[] = []
  const tell = (finding: Finding): void => {
    findings.push(finding)
    if (!json) print(...show(finding))
  }
  const plan = await planOf(flags, tell)
  if (plan) await examine(plan, deep, tell)
  const failed = findings.filter(({ state }) => state === 'fail').length
  const warned = findings.filter(({ state }) => state === 'warn').length
  if (json) print(JSON.stringify({ ok: failed === 0, findings }, undefined, 2))
  else {
    const verdict = failed > 0 ? red(`${failed} to mend`) : green('nothing to mend')
    print('', bold(verdict) + (warned > 0 ? `, ${yellow(`${warned} to know of`)}` : ''))
  }
  if (!plan) process.exitCode = badUsage
  else if (failed > 0) process.exitCode = 1
}

async function planOf(flags: SuiteFlags, tell: (finding: Finding) => void): Promise<Plan | undefined> {
  try {
    return await readPlan(flags)
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    tell(
      fail(
        'settings',
        error.problems.join('; '),
        'correct them; without settings every service has its defaults',
      ),
    )
    return undefined
  }
}

async function examine(planned: Plan, deep: boolean, tell: (finding: Finding) => void): Promise<void> {
  const suite = await askSupervisor(planned.dataDir)
  const plan = suite?.plan ?? planned
  tell(await checkVersions(plan, projectVersion()))
  tell(checkOpenFiles())
  tell(checkMemory(plan))
  tell(checkRoom(plan))
  tell(checkDiskSpeed(plan))
  tell(await checkPorts(plan, suite))
  // All at once: none of them waits for this machine.
  const outside = await Promise.all([
    checkDns(plan),
    checkClock(plan),
    checkDirectories(plan),
    checkSources(plan),
  ])
  outside.flat().forEach(tell)
  for (const finding of await checkDatabases(plan, deep)) tell(finding)
}

const marks: Readonly<Record<Finding['state'], string>> = {
  ok: green('✓'),
  warn: yellow('!'),
  fail: red('✗'),
  skip: dim('·'),
}

function show({ name, state, found, remedy }: Finding): string[] {
  const line = `${marks[state]} ${bold(name.padEnd(26))} ${state === 'ok' || state === 'skip' ? dim(found) : found}`
  return remedy === undefined ? [line] : [line, `  ${' '.repeat(26)} → ${remedy}`]
}
