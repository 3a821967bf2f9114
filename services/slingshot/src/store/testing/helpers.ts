import type { Progress } from '@orrery/firehose'
import { tidFromTimeUs } from '@orrery/repo'
import type {
  Change,
  Fetched,
  Found,
  RecordKey,
  RecordReader,
  RecordValue,
  RecordWriter,
} from '../../store.ts'

/** A store under test. */
export interface TestedStore extends AsyncDisposable {
  writer: RecordWriter
  reader: RecordReader
}

/** Opens an empty one. */
export type OpenStore = (options?: { budgetBytes?: number }) => Promise<TestedStore>

export const noProgress: Progress = { cursors: [], accounts: [], notices: [], gaps: [] }

/** The time of rev 0, in microseconds; rev n is n seconds later. */
export const startUs = 1_700_000_000_000_000

export function timeOf(n: number): number {
  return startUs + n * 1_000_000
}

export function rev(n: number): string {
  return tidFromTimeUs(timeOf(n), 0)
}

export function key(name: string, did = 'did:plc:a'): RecordKey {
  return { did, collection: 'app.test.note', rkey: name }
}

/** A version of a record; the same text is the same version. */
export function value(text: string, verified = false): RecordValue {
  return { cid: `bafy${text}`, json: Buffer.from(JSON.stringify({ text })), verified }
}

export function put(name: string, n: number, text: string, did?: string): Change {
  return { kind: 'put', record: key(name, did), rev: rev(n), value: value(text) }
}

export function remove(name: string, n: number, did?: string): Change {
  return { kind: 'delete', record: key(name, did), rev: rev(n) }
}

/** What a PDS said at second `n`: a text, or null for no such record. */
export function fetched(name: string, n: number, text: string | null, did?: string): Fetched {
  return { record: key(name, did), asOfUs: timeOf(n), value: text === null ? null : value(text) }
}

/** In one word: the text, `deleted`, the status in brackets, or `-`. */
export function tell(found: Found | undefined): string {
  if (!found) return '-'
  if (found.kind === 'inactive') return `(${found.status})`
  if (found.kind === 'deleted') return 'deleted'
  return (JSON.parse(found.json) as { text: string }).text
}
