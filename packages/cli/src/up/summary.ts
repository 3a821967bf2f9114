import { existsSync } from 'node:fs'
import { diskOf } from '../machine/limits.ts'
import type { Plan } from '../suite/plan.ts'
import { bytesInWords } from '../suite/units.ts'
import { bold, cyan, dim } from '../terminal.ts'
import { expectedUse } from './expected-use.ts'

/** What is about to run: addresses, folders, and what it is going to take. */
export function summary(plan: Plan): string[] {
  const { services, dataDir, small, config, backup } = plan
  const sources = services.filter(({ followsJetstream }) => !followsJetstream)
  const disk = diskOf(dataDir)
  const use = expectedUse(plan)
  return [
    bold('Orrery') + (small ? dim('  small') : ''),
    '',
    ...services.map(({ name, address, path, does }) => {
      const scheme = path === '/subscribe' ? 'ws' : 'http'
      return `  ${name.padEnd(14)} ${cyan(`${scheme}://${address}${path}`.padEnd(34))}  ${dim(does)}`
    }),
    '',
    ...sources.map(({ name, source }) => dim(`${name} reads ${source.join(', ')}`)),
    dim(
      `Data under ${dataDir}${disk ? `, ${bytesInWords(disk.freeBytes)} free` : ''}${existsSync(dataDir) ? '' : ', which is made now'}.${config ? ` Settings from ${config}.` : ''}`,
    ),
    dim(
      `At ${use.perSecond.toLocaleString('en')} events a second it takes about ${bytesInWords(use.memoryBytes)} of memory and ${bytesInWords(use.diskBytesADay)} of disk a day.`,
    ),
    ...(backup ? [dim(`A backup to ${backup.to} every ${backup.everyMs / 3_600_000} h.`)] : []),
    dim('How it is: orrery status. What is wrong: orrery doctor. Ctrl-C stops it.'),
    '',
  ]
}
