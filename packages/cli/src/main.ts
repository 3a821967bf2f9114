#!/usr/bin/env node
import { services } from './services.ts'

const [first = '', ...rest] = process.argv.slice(2)
const wanted = first.split('+').map(name => services.find(service => service.name === name))
if (wanted.every(service => service !== undefined)) {
  // A service reads its own flags and answers `--help` itself; several in one process have their variables.
  process.argv.splice(2, process.argv.length, ...rest)
  endWithSupervisor()
  await Promise.all(wanted.map(service => service.run()))
} else {
  // Not before: who runs for months is not to hold what only other commands need.
  const { readCommand } = await import('./command.ts')
  await readCommand().parseAsync()
}

/** A service whose supervisor is gone, however that ended, is nobody's: it stops too, as on Ctrl-C. */
function endWithSupervisor(): void {
  if (!process.channel) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}
