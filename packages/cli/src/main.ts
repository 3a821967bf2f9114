#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { projectVersion } from '@orrery/server'
import { demo } from './demo.ts'
import { services } from './services.ts'
import { status } from './status.ts'
import { tail } from './tail.ts'
import { up } from './up.ts'

const [first, ...rest] = process.argv.slice(2)
const service = services.find(({ name }) => name === first)
if (service) {
  // A service reads its own flags and answers `--help` itself.
  process.argv.splice(2, process.argv.length, ...rest)
  await service.run()
} else {
  await readCommand().parseAsync()
}

function readCommand(): Command {
  const program = new Command('orrery')
    .description('Self-hosted atproto infrastructure: the firehose verified, indexed and served.')
    .version(projectVersion())
    .showHelpAfterError()
    .addHelpText(
      'after',
      `\nServices, each in the foreground with its own --help:\n${services
        .map(({ name, does }) => `  ${name.padEnd(14)} ${does}`)
        .join('\n')}`,
    )

  program
    .command('up')
    .description('run the whole suite against the live network; data under ./data')
    .option('--data-dir <folder>', 'where all services keep their data', './data')
    .action(up)

  program
    .command('demo')
    .description('run the suite on a network of its own on this machine; needs no internet')
    .option('--per-second <n>', 'actions of people on a real PDS, a second', positive, 2)
    .option('--simulated <n>', 'a simulated network instead, with so many events a second', positive)
    .option('--accounts <n>', 'how many accounts; by default 6 people, or 1,000 simulated ones', count)
    .option('--quiet', 'do not show what comes')
    .action(demo)

  program
    .command('tail')
    .description('print verified events from a relay or a PDS, or the events of a Jetstream')
    .option('--source <url>', 'where from; repeatable', collect, [])
    .option(
      '--cursor <n>',
      'where to begin: a relay’s sequence number, or a Jetstream’s microseconds',
      positive,
    )
    .option('--verify <mode>', 'strict, timely or off', 'timely')
    .option('--plc-url <url>', 'the directory that resolves did:plc', 'https://plc.directory')
    .option('--allow-private-hosts', 'let look-ups go to private addresses')
    .option('--json', 'one JSON object a line, with the records')
    .action(tail)

  program
    .command('status')
    .description('ask the services how they are')
    .option('--host <host>', 'where they run', '127.0.0.1')
    .option('--json', 'for machines')
    .action(status)

  return program
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

function count(text: string): number {
  const value = positive(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.')
  return value
}
