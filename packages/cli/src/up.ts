import { join } from 'node:path'
import { services } from './services.ts'
import { runSuite } from './supervisor.ts'
import { bold, cyan, dim, print, untilInterrupted } from './terminal.ts'

/** `orrery up`: the whole suite against the live network. */
export async function up({ dataDir }: { dataDir: string }): Promise<void> {
  const signal = untilInterrupted()
  print(bold('Orrery'), '')
  for (const { name, port, path, does } of services) {
    print(`  ${name.padEnd(14)} ${cyan(`http://localhost:${port}${path}`)}  ${dim(does)}`)
  }
  print('', dim(`Data under ${dataDir}. How it is: orrery status. Ctrl-C stops it.`), '')
  process.exitCode = await runSuite({
    services,
    flags: ({ name }) => ['--data-dir', join(dataDir, name)],
    say: message => print(message),
    signal,
  })
}
