import { nearest, type OptionInfo } from '@orrery/server'
import type { ServiceOptions } from '../services.ts'

/** What `orrery.config.json` says, checked for its form; values of options are text, as variables have them. */
export interface Config {
  dataDir?: string
  small?: boolean
  only?: readonly string[]
  without?: readonly string[]
  backup?: BackupPlan
  /** Options of each service, by its name; those under `all` are in each. */
  options: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** A backup that `orrery up` makes by itself. */
export interface BackupPlan {
  /** A folder, or `s3://bucket/prefix`. */
  to: string
  /** Of an S3 that is not Amazon's, `https://host`. */
  endpoint?: string
  /** Milliseconds from the end of one to the beginning of the next. */
  everyMs: number
  /** How many to keep. */
  keep: Readonly<Partial<Record<(typeof keepSpans)[number], number>>>
}

/** What of the backups is kept: the last ones, and the last of each hour, day and week. */
export const keepSpans = ['last', 'hourly', 'daily', 'weekly'] as const

const backupKeys = ['to', 'endpoint', 'every', 'keep']

/** The services' options by service name. */
export type Definitions = ReadonlyMap<string, ServiceOptions>

type Fields = Record<string, unknown>

/** The name under which options stand that are for all services. */
const forAll = 'all'

/**
 * Checks a configuration's form. Each problem names the place (`jetstream.retention`); whether a service takes a value is
 * for the service's own options to say.
 */
export function checkConfig(
  value: unknown,
  definitions: Definitions,
): { config: Config; problems: string[] } {
  const problems: string[] = []
  const names = [...definitions.keys()]
  const fields = asFields(value)
  const config: Config = { options: new Map() }
  if (!fields) return { config, problems: ['expected an object in braces'] }

  const known = ['$schema', 'dataDir', 'small', 'only', 'without', 'backup', forAll, ...names]
  for (const key of Object.keys(fields).filter(each => !known.includes(each))) {
    problems.push(`${key}: there is no such setting${closest(key, known)}`)
  }
  const isServices = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every(name => typeof name === 'string')
  for (const key of ['only', 'without'] as const) {
    const list = fields[key]
    if (list === undefined) continue
    if (isServices(list)) config[key] = list
    else problems.push(`${key}: expected names of services in brackets, such as ["jetstream"]`)
  }
  if (typeof fields.dataDir === 'string' && fields.dataDir !== '') config.dataDir = fields.dataDir
  else if (fields.dataDir !== undefined) problems.push('dataDir: expected a folder, such as "./data"')
  if (typeof fields.small === 'boolean') config.small = fields.small
  else if (fields.small !== undefined) problems.push('small: expected true or false')
  if (fields.backup !== undefined) {
    const backup = readBackup(fields.backup, problems)
    if (backup) config.backup = backup
  }
  const common = readOptions(forAll, fields[forAll], sharedOptions(definitions), problems)
  const options = new Map(
    names.map(name => {
      const { infos } = definitions.get(name)!
      return [name, { ...common, ...readOptions(name, fields[name], infos, problems) }]
    }),
  )
  return { config: { ...config, options }, problems }
}

/** The options that every service has, and that may be the same for all. */
export function sharedOptions(definitions: Definitions): readonly OptionInfo[] {
  const everywhere = [...definitions.values()]
    .map(({ infos }) => infos)
    .reduce((common, infos) => common.filter(({ key }) => infos.some(info => info.key === key)))
  return everywhere.filter(({ key }) => !['dataDir', 'listen', 'metricsListen'].includes(key))
}

function readOptions(
  place: string,
  value: unknown,
  infos: readonly OptionInfo[],
  problems: string[],
): Record<string, string> {
  if (value === undefined) return {}
  const fields = asFields(value)
  if (!fields) {
    problems.push(`${place}: expected options in braces, such as { "logLevel": "warn" }`)
    return {}
  }
  const texts: Record<string, string> = {}
  for (const [key, given] of Object.entries(fields)) {
    const info = infos.find(each => each.key === key)
    const text = info && textOf(given, info)
    if (!info) {
      const keys = infos.map(each => each.key)
      problems.push(`${place}.${key}: there is no such option${closest(key, keys)}`)
    } else if (text === undefined) problems.push(`${place}.${key}: expected ${formOf(info)}`)
    else texts[key] = text
  }
  return texts
}

/** A value as a variable has it; undefined where it has another form. */
function textOf(value: unknown, { kind }: OptionInfo): string | undefined {
  if (kind === 'boolean') return typeof value === 'boolean' ? String(value) : undefined
  if (kind === 'list') {
    const isList =
      Array.isArray(value) && value.every(each => typeof each === 'string' && !each.includes(','))
    return isList ? value.join(',') : undefined
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function formOf({ kind }: OptionInfo): string {
  if (kind === 'boolean') return 'true or false'
  return kind === 'list' ? 'texts without commas in brackets, such as ["a", "b"]' : 'a text or a number'
}

function readBackup(value: unknown, problems: string[]): BackupPlan | undefined {
  const fields = asFields(value)
  if (!fields) {
    problems.push('backup: expected { "to": "…", "every": "6h" }')
    return undefined
  }
  const before = problems.length
  const { to, endpoint, every = '24h', keep = {} } = fields
  for (const key of Object.keys(fields).filter(each => !backupKeys.includes(each)))
    problems.push(`backup.${key}: there is no such setting${closest(key, backupKeys)}`)
  if (endpoint !== undefined && !(typeof endpoint === 'string' && /^https?:/.test(endpoint)))
    problems.push('backup.endpoint: expected an address such as https://s3.example.org')
  if (typeof to !== 'string' || to === '') problems.push('backup.to: expected a folder or s3://bucket/prefix')
  const everyMs = typeof every === 'string' ? parseEvery(every) : undefined
  if (everyMs === undefined)
    problems.push('backup.every: expected a time of at least 5 minutes, such as "6h" or "1d"')
  const kept = asFields(keep)
  for (const [key, count] of Object.entries(kept ?? {})) {
    if (!keepSpans.some(span => span === key))
      problems.push(`backup.keep.${key}: there is no such setting${closest(key, keepSpans)}`)
    else if (!Number.isSafeInteger(count) || Number(count) < 0)
      problems.push(`backup.keep.${key}: expected a whole number of 0 or more`)
  }
  if (!kept) problems.push('backup.keep: expected { "hourly": 24, "daily": 7, "weekly": 4 } or some of these')
  if (problems.length > before) return undefined
  return {
    to: String(to),
    ...(endpoint !== undefined && { endpoint: endpoint as string }),
    everyMs: everyMs!,
    keep: kept as BackupPlan['keep'],
  }
}

const leastEveryMs = 5 * 60_000

function parseEvery(text: string): number | undefined {
  const [, amount, unit] = /^(\d+)(m|h|d)$/.exec(text) ?? []
  const ms = Number(amount) * ({ m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''] ?? Number.NaN)
  return ms >= leastEveryMs ? ms : undefined
}

function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

function closest(unknown: string, known: readonly string[]): string {
  const name = nearest(unknown, known)
  return name === undefined ? '' : `; did you mean ${name}?`
}
