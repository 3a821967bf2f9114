import { invalidRequest } from '@orrery/server'
import type { Child, Sample } from '../store.ts'
import { optional, type Query } from './query.ts'

// Cursors are base64url of the last thing that was given, with a NUL behind it.

/** The NSID behind which a page begins; undefined for the first page. @throws HttpError 400 */
export function readNsidCursor(query: Query): string | undefined {
  return read(query, /^[\w.-]{1,400}$/)
}

export function nsidCursor(nsid: string): string {
  return write(nsid)
}

/** The child behind which a page begins. @throws HttpError 400 */
export function readChildCursor(query: Query): Pick<Child, 'nsid' | 'type'> | undefined {
  const text = read(query, /^(collection|prefix) [\w.-]{1,400}$/)
  if (text === undefined) return undefined
  const [type, nsid] = text.split(' ') as [Child['type'], string]
  return { type, nsid }
}

export function childCursor({ type, nsid }: Pick<Child, 'nsid' | 'type'>): string {
  return write(`${type} ${nsid}`)
}

/** The sample behind which a page begins. @throws HttpError 400 */
export function readSampleCursor(query: Query): Pick<Sample, 'timeUs' | 'seq'> | undefined {
  const text = read(query, /^\d{1,16} \d{1,15}$/)
  if (text === undefined) return undefined
  const [timeUs, seq] = text.split(' ').map(Number) as [number, number]
  return { timeUs, seq }
}

export function sampleCursor({ timeUs, seq }: Pick<Sample, 'timeUs' | 'seq'>): string {
  return write(`${timeUs} ${seq}`)
}

function write(text: string): string {
  return Buffer.from(`${text}\0`).toString('base64url')
}

function read(query: Query, shape: RegExp): string | undefined {
  const cursor = optional(query, 'cursor')
  if (cursor === undefined || cursor === '') return undefined
  const text = Buffer.from(cursor, 'base64url').toString()
  // Decoding is lenient: what is not exactly what is given out is none of ours.
  if (!text.endsWith('\0') || !shape.test(text.slice(0, -1)) || write(text.slice(0, -1)) !== cursor) {
    throw invalidRequest('invalid cursor')
  }
  return text.slice(0, -1)
}
