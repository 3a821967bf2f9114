import type { Progress } from '@orrery/firehose'
import type { Change, Sample, UfosReader } from '../../store.ts'
import { hourUs } from '../../time.ts'

/** A store under test. */
export interface TestedStore extends AsyncDisposable {
  apply(changes: readonly Change[]): Promise<void>
  /** Does all that can wait. */
  tidy(): Promise<void>
  readonly reader: UfosReader
}

export interface TestedOptions {
  maxCollections?: number
  samplesKept?: number
  samplesBytes?: number
}

/** Opens an empty one. */
export type OpenStore = (options?: TestedOptions) => Promise<TestedStore>

export const noProgress: Progress = { cursors: [], accounts: [], notices: [], gaps: [] }

/** Hour 0 of tests: a Thursday, 00:00 UTC, where a week begins. */
export const startHour = 2_900 * 168

/** In the middle of an hour counted from `startHour`. */
export function timeOf(hour: number, us = hourUs / 2): number {
  return (startHour + hour) * hourUs + us
}

export function did(name: string | number): string {
  return `did:plc:${name}`
}

interface Where {
  hour?: number
  rkey?: string
  timeUs?: number
  text?: string
}

export function create(nsid: string, who: string | number, where: Where = {}): Change {
  return put('create', nsid, who, where)
}

export function update(nsid: string, who: string | number, where: Where = {}): Change {
  return put('update', nsid, who, where)
}

export function remove(nsid: string, who: string | number, where: Where = {}): Change {
  const { rkey = 'x', hour = 0, timeUs = timeOf(hour) } = where
  return { kind: 'delete', did: did(who), collection: nsid, rkey, timeUs }
}

export function removeAccount(who: string | number): Change {
  return { kind: 'remove_account', did: did(who) }
}

function put(kind: 'create' | 'update', nsid: string, who: string | number, where: Where): Change {
  const { rkey = 'x', hour = 0, timeUs = timeOf(hour), text = rkey } = where
  const json = Buffer.from(JSON.stringify({ text }))
  return { kind, did: did(who), collection: nsid, rkey, rev: `rev${text}`, cid: `bafy${text}`, json, timeUs }
}

/** One each of many accounts. */
export function creates(nsid: string, from: number, count: number, hour = 0): Change[] {
  return Array.from({ length: count }, (_, i) => create(nsid, from + i, { hour }))
}

/** Who wrote the samples, and what, in one word each. */
export function tell(samples: readonly Sample[]): string[] {
  return samples.map(({ did: who, json }) => `${who.slice(8)}:${(JSON.parse(json) as { text: string }).text}`)
}
