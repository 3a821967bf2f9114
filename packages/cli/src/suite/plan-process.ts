// Works out the plan of the suite and hands it to the process that asked: what that takes to load (options, checks,
// services) is gone with this process, and who supervises for months stays small.
import { OptionsError } from '@orrery/server'
import { services } from '../services.ts'
import { readConfigFile } from './config-file.ts'
import { loadDefinitions } from './definitions.ts'
import { planSuite, type SuiteFlags } from './plan.ts'

process.once('message', (flags: SuiteFlags) => {
  void answer(flags).then(said => process.send?.(said, () => process.disconnect?.()))
})

async function answer(flags: SuiteFlags): Promise<object> {
  try {
    const file = readConfigFile(flags.config, process.env)
    const definitions = await loadDefinitions()
    return { plan: planSuite({ flags, env: process.env, file, services, definitions }) }
  } catch (error) {
    if (error instanceof OptionsError) return { problems: error.problems }
    return { problems: [error instanceof Error ? error.message : String(error)] }
  }
}
