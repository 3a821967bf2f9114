import { join } from 'node:path'
import { addressOf, type ServiceEntry, services } from './services.ts'
import { runSuite } from './supervisor.ts'
import { bold, cyan, dim, print, untilInterrupted } from './terminal.ts'

/** `orrery up`: the whole suite against the live network. */
export async function up({ dataDir }: { dataDir: string }): Promise<void> {
  const signal = untilInterrupted()
  print(bold('Orrery'), '')
  for (const service of services) {
    const address = cyan(`http://${addressOf(service)}${service.path}`.padEnd(32))
    print(`  ${service.name.padEnd(14)} ${address}  ${dim(service.does)}`)
  }
  print('', dim(`Data under ${dataDir}. How it is: orrery status. Ctrl-C stops it.`), '')
  process.exitCode = await runSuite({
    services,
    flags: service => ['--data-dir', join(dataDir, service.name), ...sourceFlags(service)],
    say: message => print(message),
    signal,
  })
}

/** The suite's Jetstream as the source of what follows it, unless the operator named one. */
export function sourceFlags(
  { name, followsJetstream }: Pick<ServiceEntry, 'name' | 'followsJetstream'>,
  env: NodeJS.ProcessEnv = process.env,
): string[] {
  if (!followsJetstream || env[`${name.toUpperCase()}_SOURCE`] !== undefined) return []
  const jetstream = services.find(service => service.name === 'jetstream')!
  return ['--source', `ws://${addressOf(jetstream, env)}/subscribe`]
}
