import { join } from 'node:path'
import { loadOptions, type OptionsDefinition, OptionsError, type OptionsShape } from '@orrery/server'
import { addressOf, type ServiceEntry } from '../services.ts'
import { type BackupPlan, checkConfig, type Config, type Definitions } from './config.ts'
import type { ConfigFile } from './config-file.ts'
import { variableOf, type Variables, variablesOf } from './variables.ts'

/** What the command line says of the suite. */
export interface SuiteFlags {
  config?: string | undefined
  dataDir?: string | undefined
  only?: readonly string[] | undefined
  without?: readonly string[] | undefined
  small?: boolean | undefined
}

/** What it takes to run a service. */
export interface RunnableService {
  name: string
  /** It reads the suite's Jetstream. */
  followsJetstream: boolean
  /** Its variables, complete: where one stands in for what the environment has, it is the same. */
  env: Readonly<Record<string, string>>
  /** Where it is reached from this machine, `host:port`. */
  address: string
  /** The process that it runs in: with `--small`, those that read the Jetstream share one. */
  process: string
}

/** A service as it is to run. Plain data. */
export interface PlannedService extends RunnableService {
  does: string
  path: string
  listen: Address
  metricsListen: Address
  dataDir: string
  source: readonly string[]
  plcUrl: string
}

export interface Address {
  host: string
  port: number
}

/** The suite as it is to run. Plain data. */
export interface Plan {
  dataDir: string
  small: boolean
  /** The configuration's file, where there is one. */
  config?: string
  services: readonly PlannedService[]
  backup?: BackupPlan
}

/** What is set for all options by name, from the strongest to the weakest. */
export interface PlanInput {
  flags: SuiteFlags
  env: Variables
  file: ConfigFile | undefined
  services: readonly ServiceEntry[]
  definitions: Definitions
}

const defaultDataDir = './data'

/** What services are told, as far as the suite needs it itself. */
interface SharedOptions {
  dataDir: string
  listen: Address
  metricsListen: Address
  source: readonly string[]
  plcUrl: string
}

/**
 * Decides what is to run and with which options. For each option the environment's variable wins, then the configuration,
 * then `--small`, then what the suite needs (folders, and the Jetstream as the source), then the service's default.
 *
 * @throws OptionsError with every problem there is, of the configuration, the flags and all services
 */
export function planSuite({ flags, env, file, services, definitions }: PlanInput): Plan {
  const none: Config = { options: new Map() }
  const { config, problems } = file ? checkConfig(file.value, definitions) : { config: none, problems: [] }
  const place = file ? `${file.name}: ` : ''
  const all = problems.map(problem => place + problem)
  const chosen = choose(services, { ...config, ...definedOf(flags) }, all)
  const dataDir = flags.dataDir ?? config.dataDir ?? defaultDataDir
  const small = flags.small ?? config.small ?? false

  const toldTo = (service: ServiceEntry): Told => {
    const byConfig = asVariables(service.name, config.options.get(service.name) ?? {})
    const byEnv = variablesOf(service.name, env)
    return {
      byConfig,
      byEnv,
      all: { ...asVariables(service.name, small ? service.small : {}), ...byConfig, ...byEnv },
    }
  }
  const jetstream = chosen.find(({ followsJetstream }) => !followsJetstream)
  const source = jetstream && `ws://${addressOf(jetstream, toldTo(jetstream).all)}/subscribe`
  const planned = chosen.map(service => {
    const { name, followsJetstream } = service
    const told = toldTo(service)
    const canFollow = followsJetstream && source !== undefined
    const suite = { dataDir: join(dataDir, name), ...(canFollow && { source }) }
    const variables = { ...asVariables(name, suite), ...told.all }
    const options = readOptions(definitions, name, variables, problem => {
      const variable = /^\w*/.exec(problem)![0]
      const isOfConfig = variable in told.byConfig && !(variable in told.byEnv)
      const rest = problem.slice(variable.length)
      all.push(isOfConfig ? `${place}${nameIn(name, variable, config)}${rest}` : problem)
    })
    const follows = canFollow && variables[variableOf(name, 'source')] === source
    return options && planService(service, variables, options, { follows, small })
  })
  const sound = planned.filter(service => service !== undefined)
  all.push(...portsTakenTwice(sound))
  if (all.length > 0) throw new OptionsError(all)
  return {
    dataDir,
    small,
    ...(file && { config: file.name }),
    services: sound,
    ...(config.backup && { backup: config.backup }),
  }
}

/** A service's variables by who set them, and all of them, the strongest winning. */
interface Told {
  byConfig: Record<string, string>
  byEnv: Record<string, string>
  all: Record<string, string>
}

function planService(
  service: ServiceEntry,
  env: Record<string, string>,
  options: SharedOptions,
  { follows, small }: { follows: boolean; small: boolean },
): PlannedService {
  const { name, does, path } = service
  const { listen, metricsListen, dataDir, source, plcUrl } = options
  const process = small && follows ? 'followers' : name
  const address = addressOf(service, env)
  return {
    name,
    does,
    path,
    followsJetstream: follows,
    env,
    address,
    process,
    listen,
    metricsListen,
    dataDir,
    source,
    plcUrl,
  }
}

function choose(
  services: readonly ServiceEntry[],
  { only, without }: Pick<SuiteFlags, 'only' | 'without'>,
  problems: string[],
): ServiceEntry[] {
  const names = services.map(({ name }) => name)
  for (const [flag, list] of Object.entries({ only, without })) {
    for (const name of list ?? []) {
      if (!names.includes(name))
        problems.push(`${flag}: there is no service "${name}"; there are ${names.join(', ')}`)
    }
  }
  const chosen = services.filter(
    ({ name }) => (only === undefined || only.includes(name)) && !without?.includes(name),
  )
  if (chosen.length === 0) problems.push('only, without: no service is left to run')
  return chosen
}

function definedOf<T extends object>(flags: T): Partial<T> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as Partial<T>
}

function asVariables(service: string, options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([option, text]) => [variableOf(service, option), text]),
  )
}

function readOptions(
  definitions: Definitions,
  name: string,
  env: Record<string, string>,
  onProblem: (problem: string) => void,
): SharedOptions | undefined {
  try {
    const loaded = loadOptions(definitions.get(name) as OptionsDefinition<OptionsShape>, { argv: [], env })
    return 'options' in loaded ? (loaded.options as unknown as SharedOptions) : undefined
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    error.problems.forEach(onProblem)
    return undefined
  }
}

/** How a variable's option is called in the configuration. */
function nameIn(service: string, variable: string, config: Config): string {
  const option = Object.keys(config.options.get(service) ?? {}).find(
    each => variableOf(service, each) === variable,
  )
  return `${service}.${option ?? variable}`
}

function portsTakenTwice(services: readonly PlannedService[]): string[] {
  const all = services.flatMap(({ name, listen, metricsListen }) => [
    { port: listen.port, variable: variableOf(name, 'listen') },
    { port: metricsListen.port, variable: variableOf(name, 'metricsListen') },
  ])
  const byPort = Map.groupBy(
    all.filter(({ port }) => port !== 0),
    ({ port }) => port,
  )
  return [...byPort]
    .filter(([, users]) => users.length > 1)
    .map(([port, users]) => `port ${port} is given to ${users.map(({ variable }) => variable).join(' and ')}`)
}
