import { Command, InvalidArgumentError, Option } from 'commander'
import { projectVersion } from '@orrery/server/version'
import { services } from './services.ts'
import { usualFile } from './suite/config-file.ts'

/** Reads the command line. What a command does is loaded when it is run. */
export function readCommand(): Command {
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

  withSuite(program.command('up'))
    .description('run the whole suite against the live network')
    .addOption(
      new Option('--log-format <format>', 'lines for people, or for machines')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .action(async options => (await import('./up/up.ts')).up(options as never))

  withSuite(program.command('status'))
    .description('how the services are: lag, rates, disk, memory, the last error')
    .option('--host <host>', 'where they run, when that is not this machine')
    .option('--watch', 'show it again and again, until Ctrl-C')
    .option('--json', 'for machines')
    .action(async options => (await import('./status/status.ts')).status(options as never))

  withSuite(program.command('doctor'))
    .description('look for what is wrong with this machine, the network and the data, and how to mend it')
    .option('--json', 'for machines')
    .option('--deep', 'look through databases of any size; without it those of more than 2 GB are left out')
    .action(async options => (await import('./doctor/doctor.ts')).doctor(options as never))

  program
    .command('health')
    .description('whether a service, or all that orrery up runs, is ok: for the health check of a container')
    .argument('[service]', 'which one')
    .option('--data-dir <folder>', 'where orrery up keeps its data', './data')
    .action(async (name, options) => (await import('./health.ts')).health(name as never, options as never))

  program
    .command('demo')
    .description('run the suite on a network of its own on this machine; needs no internet')
    .option('--per-second <n>', 'actions of people on a real PDS, a second', positive, 2)
    .option('--simulated <n>', 'a simulated network instead, with so many events a second', positive)
    .option('--accounts <n>', 'how many accounts; by default 6 people, or 1,000 simulated ones', count)
    .option('--quiet', 'do not show what comes')
    .action(async options => (await import('./demo.ts')).demo(options as never))

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
    .action(async options => (await import('./tail.ts')).tail(options as never))

  const backup = program
    .command('backup')
    .description('save the stores of services while they run: to a folder, or to object storage')
    .argument('[services...]', 'which; by default all that have data')
    .option('--config <file>', `settings; by default ${usualFile}, where there is one`)
    .option('--data-dir <folder>', 'where all services keep their data (./data)')
    .option('--to <place>', 'a folder, or s3://bucket/prefix')
    .option('--endpoint <url>', 'the S3 server, when that is not Amazon’s')
    .option('--limit <rate>', 'send no faster than this: 10MB/s', rate)
    .option('--keep-last <n>', 'of the snapshots keep the newest (3)', whole)
    .option('--keep-hourly <n>', 'the newest of each of so many hours (24)', whole)
    .option('--keep-daily <n>', 'days (7)', whole)
    .option('--keep-weekly <n>', 'weeks (4)', whole)
    .option('--json', 'for machines')
    .action(async (names, options: object) => {
      // Not required of `backup list`, which would inherit it.
      if (!('to' in options)) backup.error('error: --to must say where the snapshots go')
      await (await import('./backup.ts')).backup(names as never, options as never)
    })
  backup
    .command('list')
    .description('the snapshots at a place')
    .requiredOption('--from <place>', 'a folder, s3://bucket/prefix or https://…')
    .option('--endpoint <url>', 'the S3 server, when that is not Amazon’s')
    .option('--json', 'for machines')
    .action(async options => (await import('./backup.ts')).backupList(options as never))

  program
    .command('restore')
    .description('bring back the store of a service from a snapshot; the service must not run')
    .argument('<service>')
    .option('--config <file>', `settings; by default ${usualFile}, where there is one`)
    .option('--data-dir <folder>', 'where all services keep their data (./data)')
    .requiredOption('--from <place>', 'a folder, s3://bucket/prefix or https://…')
    .option('--endpoint <url>', 'the S3 server, when that is not Amazon’s')
    .option('--as-of <time>', 'the newest snapshot of that time or before: 2026-11-20T12:00Z', moment)
    .option('--verify-only', 'fetch and check everything, and keep nothing')
    .option('--force', 'take the place of a store that is there')
    .option('--trust-key <key>', 'refuse what is not signed with this key; orrery backup list shows them')
    .option('--limit <rate>', 'fetch no faster than this: 10MB/s', rate)
    .option('--json', 'for machines')
    .action(async (name, options) => (await import('./restore.ts')).restore(name as never, options as never))

  return program
}

/** The options that say what the suite is. */
function withSuite(command: Command): Command {
  return command
    .option('--config <file>', `settings; by default ${usualFile}, where there is one`)
    .option('--data-dir <folder>', 'where all services keep their data, each in a folder of its own (./data)')
    .option('--only <services>', 'these services, separated by commas', commas)
    .option('--without <services>', 'not these', commas)
    .option('--small', 'for a machine of 4 GB: less memory, fewer subscribers, a shorter replay')
    .option('--no-small', 'not so, whatever the settings say')
}

function commas(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(',').map(name => name.trim())].filter(name => name !== '')
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

function whole(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

/** Bytes a second. */
function rate(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)b(?:\/s)?$/i.exec(text) ?? []
  const value = Number(number) * 1000 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase())
  if (value > 0) return value
  throw new InvalidArgumentError('It must be an amount a second, such as 10MB/s.')
}

function moment(text: string): Date {
  const time = new Date(text)
  if (!Number.isNaN(time.getTime())) return time
  throw new InvalidArgumentError('It must be a time, such as 2026-11-20T12:00Z.')
}
