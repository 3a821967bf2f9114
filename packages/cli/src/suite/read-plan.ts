import { fork } from 'node:child_process'
import { leanEnvironment, leanFlags } from '../lean.ts'
import { red } from '../terminal.ts'
import type { Plan, SuiteFlags } from './plan.ts'

/** The exit status for options that cannot be used. */
export const badUsage = 2

/** The flags, environment and configuration cannot be used; `problems` has all that is wrong. */
export class PlanError extends Error {
  override readonly name = 'PlanError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`${problems.length} settings need attention`)
    this.problems = problems
  }
}

/**
 * Works out what is to run, in a process of its own.
 *
 * @throws (rejects) PlanError with every problem there is
 */
export async function readPlan(flags: SuiteFlags): Promise<Plan> {
  const child = fork(new URL('./plan-process.ts', import.meta.url), {
    execArgv: [...leanFlags],
    env: leanEnvironment(),
  })
  const answer = await new Promise<{ plan: Plan } | { problems: string[] }>((resolve, reject) => {
    child.once('message', message => resolve(message as never))
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`reading the options ended with status ${code}`)))
    child.send(flags)
  })
  if ('problems' in answer) throw new PlanError(answer.problems)
  return answer.plan
}

/** The plan; undefined where there is none, after all problems were printed and the exit status was set. */
export async function readPlanOrExplain(flags: SuiteFlags): Promise<Plan | undefined> {
  try {
    return await readPlan(flags)
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    const { problems } = error
    process.stderr.write(
      `${red(problems.length === 1 ? 'A setting needs attention:' : `${problems.length} settings need attention:`)}\n${problems
        .map(problem => `  ${problem}\n`)
        .join('')}`,
    )
    process.exitCode = badUsage
    return undefined
  }
}
