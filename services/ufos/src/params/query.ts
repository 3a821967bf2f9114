import { isValidNsid } from '@atproto/syntax'
import { type HttpError, invalidRequest } from '@orrery/server'
import type { Order } from '../store.ts'
import { hourMs, type Window } from '../time.ts'

/** A decoded query: each name with its value, or with all of them where it is repeated. */
export type Query = Readonly<Record<string, string | readonly string[]>>

/** How far ahead of now a time may be, milliseconds. */
const aheadMs = 2 * hourMs

/** 400 for what cannot be read at all. */
function unreadable(name: string, problem: string): HttpError {
  return invalidRequest(`unable to parse query string: "${name}" ${problem}`)
}

/** All values of a parameter that may be repeated: as `name`, `name[]` or `name[0]`. */
export function all(query: Query, name: string): string[] {
  const names = Object.keys(query).filter(key => key === name || isIndexed(key, name))
  return names.flatMap(key => query[key]!)
}

function isIndexed(key: string, name: string): boolean {
  return key.startsWith(`${name}[`) && /^\[\d*\]$/.test(key.slice(name.length))
}

/** A parameter that may be absent. Empty text is a value. @throws HttpError 400 where it is repeated */
export function optional(query: Query, name: string): string | undefined {
  const value = query[name]
  if (typeof value === 'object') throw unreadable(name, 'is given more than once')
  return value
}

/** A parameter that says something: empty text counts as absent, as browsers send the fields of a form that nobody filled in. */
export function given(query: Query, name: string): string | undefined {
  return optional(query, name) || undefined
}

/** @throws HttpError 400 */
export function required(query: Query, name: string): string {
  const value = optional(query, name)
  if (value === undefined) throw unreadable(name, 'is missing')
  return value
}

/** A whole number. @throws HttpError 400 */
export function whole(query: Query, name: string): number | undefined {
  const value = given(query, name)
  if (value === undefined) return undefined
  if (!/^\d{1,15}$/.test(value)) throw unreadable(name, 'must be a whole number')
  return Number(value)
}

/** A whole number from 1 to `max`. @throws HttpError 400 */
export function limit(query: Query, { max, fallback }: { max: number; fallback: number }): number {
  const value = whole(query, 'limit') ?? fallback
  if (value < 1 || value > max) throw invalidRequest(`limit not in 1..=${max}: ${value}`)
  return value
}

/** @throws HttpError 400 where it is none */
export function checkNsid(text: string): string {
  if (!isValidNsid(text)) throw invalidRequest(`collection "${cut(text)}" was not a valid NSID`)
  return text
}

/** NSIDs of a repeated parameter, at least one. @throws HttpError 400 */
export function nsids(query: Query, name: string, max: number): string[] {
  const texts = all(query, name)
  if (texts.length === 0) throw unreadable(name, 'is missing')
  if (texts.length > max) throw invalidRequest(`"${name}" may be given ${max} times: ${texts.length}`)
  return texts.map(checkNsid)
}

const orderNames: Readonly<Record<string, Order>> = {
  'records-created': 'creates',
  'records-updated': 'updates',
  'records-deleted': 'deletes',
  'dids-estimate': 'dids',
}

/** The words that lists can be ordered by. */
export const orderWords = Object.keys(orderNames)

/** @throws HttpError 400 */
export function order(query: Query): Order | undefined {
  const word = given(query, 'order')
  if (word === undefined) return undefined
  const found = Object.hasOwn(orderNames, word) ? orderNames[word] : undefined
  if (!found) throw unreadable('order', `must be one of ${orderWords.join(', ')}`)
  if (query['cursor'] !== undefined) throw invalidRequest('"order" and "cursor" are mutually exclusive')
  return found
}

/**
 * A window from `since` and `until`, each down to its hour. Undefined where neither is given; of one alone the other is
 * the beginning, or now.
 *
 * @throws HttpError 400
 */
export function maybeWindow(query: Query, nowMs: number): Window | undefined {
  const since = hour(query, 'since', nowMs)
  const until = hour(query, 'until', nowMs)
  if (since === undefined && until === undefined) return undefined
  return { since: since ?? 0, until: until ?? Math.floor(nowMs / hourMs) }
}

/** The same, from so many hours ago until now where nothing else is said. @throws HttpError 400 */
export function window(query: Query, nowMs: number, defaultHours: number): Window {
  const since = hour(query, 'since', nowMs)
  const until = hour(query, 'until', nowMs)
  return {
    since: since ?? Math.max(0, Math.floor(nowMs / hourMs) - defaultHours),
    until: until ?? Math.floor(nowMs / hourMs),
  }
}

function hour(query: Query, name: string, nowMs: number): number | undefined {
  const text = given(query, name)
  if (text === undefined) return undefined
  const ms = parseTime(text)
  if (ms === undefined) throw unreadable(name, 'must be a time such as 2026-01-31T12:00:00Z')
  if (ms < 0) throw invalidRequest(`timestamp too old: "${name}"`)
  if (ms > nowMs + aheadMs) throw invalidRequest(`future timestamp: "${name}"`)
  return Math.floor(ms / hourMs)
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** RFC 3339 with an offset, to milliseconds; undefined for anything else, days included that no month has. */
export function parseTime(text: string): number | undefined {
  const parts = rfc3339.exec(text)
  if (!parts) return undefined
  const [year, month, day, hours, minutes, seconds] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  // A year below 100 is one of the last century to Date.UTC.
  const midnight = new Date(0)
  midnight.setUTCFullYear(year, month - 1, day)
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined
  const offset = parts[8]!
  const sign = offset.startsWith('-') ? -1 : 1
  const offsetMinutes = /z/i.test(offset)
    ? 0
    : sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)))
  const fraction = Math.floor(Number(`0${parts[7] ?? ''}`) * 1_000)
  return midnight.getTime() + ((hours * 60 + minutes - offsetMinutes) * 60 + seconds) * 1_000 + fraction
}

/** Text for a message, of some length. */
export function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
