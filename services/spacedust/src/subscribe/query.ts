import { type FilterParams, type ListName, listNames, lists } from './filter.ts'
import type { Field } from '../encoding.ts'
import { fields } from '../encoding.ts'

/** What a subscriber asks for when it connects. */
export interface SubscribeQuery {
  filter: FilterParams
  instant: boolean
  /** Microseconds since 1970, inclusive; 0 for the oldest there is; undefined for what comes from now on. */
  cursor: number | undefined
  /** What is to be told beside the link. */
  fields: readonly Field[]
  /** Whether links are wanted as zstd frames. */
  compress: boolean
  /** Whether to send nothing before the first `options_update`. */
  requireHello: boolean
  /** Milliseconds; 0 for never. */
  heartbeatMs: number
}

/** Thrown for a query that cannot be; `message` names the parameter and the value. */
export class QueryError extends Error {
  override readonly name = 'QueryError'

  constructor(why: string) {
    super(`unable to parse query string: ${why}`)
  }
}

const byParam = new Map(listNames.map(name => [lists[name].param, name]))
const scalars = ['instant', 'cursor', 'fields', 'compress', 'requireHello', 'heartbeat'] as const
type Scalar = (typeof scalars)[number]

/**
 * Reads the query of a subscription. Lists repeat their name, plain or with brackets (`name[]`, `name[0]`); an empty value
 * is no value. What is not known is ignored.
 *
 * @throws QueryError
 */
export function readSubscribeQuery(url: string): SubscribeQuery {
  const raw = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) throw new QueryError('it has a % that is no escape')
  const filter = Object.fromEntries(listNames.map(name => [name, [] as string[]])) as Record<
    ListName,
    string[]
  >
  const indices = new Map<ListName, Set<number>>()
  const single = new Map<Scalar, string>()
  for (const [key, value] of new URLSearchParams(raw)) {
    const [, param = '', index] = /^([A-Za-z]+)(?:\[(\d{0,6})\])?$/.exec(key) ?? []
    const name = byParam.get(param)
    if (name) {
      if (index) {
        let seen = indices.get(name)
        if (!seen) indices.set(name, (seen = new Set()))
        seen.add(Number(index))
      }
      if (value !== '') filter[name].push(value)
    } else if (isScalar(key)) {
      if (single.has(key)) throw new QueryError(`${key} is there twice`)
      single.set(key, value)
    }
  }
  for (const [name, seen] of indices) {
    if (Math.max(...seen) >= seen.size) throw new QueryError(`${lists[name].param} has a gap in its indices`)
  }
  return {
    filter,
    instant: readFlag('instant', single.get('instant')),
    cursor: readCursor(single.get('cursor') ?? ''),
    fields: readFields(single.get('fields') ?? ''),
    compress: readFlag('compress', single.get('compress')),
    requireHello: readFlag('requireHello', single.get('requireHello')),
    heartbeatMs: readHeartbeat(single.get('heartbeat') ?? ''),
  }
}

function isScalar(key: string): key is Scalar {
  return (scalars as readonly string[]).includes(key)
}

function readFlag(name: Scalar, text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  throw new QueryError(`${name} is "${text.slice(0, 40)}"; it is true or false`)
}

/** 2001-09-09: what is less was meant as something else, and is no time in microseconds. */
const earliestUs = 1_000_000_000_000_000

function readCursor(text: string): number | undefined {
  if (text === '') return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value === 0 || value >= earliestUs) return value
  throw new QueryError(`cursor is "${text.slice(0, 40)}"; it is a time in microseconds since 1970, or 0`)
}

function readFields(text: string): Field[] {
  const wanted = new Set(text.split(',').filter(name => name !== ''))
  for (const name of wanted) {
    if (!(fields as readonly string[]).includes(name))
      throw new QueryError(`fields has "${name.slice(0, 40)}"; there is ${fields.join(', ')}`)
  }
  return fields.filter(name => wanted.has(name))
}

const maxHeartbeatSeconds = 3_600

function readHeartbeat(text: string): number {
  if (text === '') return 0
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > maxHeartbeatSeconds) {
    throw new QueryError(
      `heartbeat is "${text.slice(0, 40)}"; it is a number of seconds from 1 to ${maxHeartbeatSeconds}`,
    )
  }
  return seconds * 1000
}
