import { isValidDid, isValidHandle } from '@atproto/syntax'
import { isTid, tryParseCid, tryParsePath } from '@orrery/repo'
import type { CommitEvent, FirehoseEvent, RecordOp } from '../events.ts'
import { isTime } from '../time.ts'

const recordStart = Buffer.from('"record":{')
const recordEnd = Buffer.from('},"cid":"')

/**
 * Reads a message of the Jetstream wire. The record stays the bytes it came as, where the message has the field order
 * that every server has; otherwise it is written anew. Undefined for a kind that is not an event, such as a heartbeat.
 *
 * @throws TypeError where the message is not JSON, or an event lacks what it must have
 */
export function readJetstreamMessage(message: Uint8Array, source: string): FirehoseEvent | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const cut = tryCutRecord(bytes)
  return cut ? readEvent(cut.rest, cut.record, source) : readEvent(parse(bytes.toString()), undefined, source)
}

/**
 * Takes the record out as it is and parses the rest, so that the record is left to who needs it. A quote within a string
 * is escaped, so both marks stand between the strings of the message; where the second is not the record's end, what is
 * left is not balanced and does not parse.
 */
function tryCutRecord(bytes: Buffer): { rest: unknown; record: Uint8Array } | undefined {
  const open = bytes.indexOf(recordStart)
  const close = open < 0 ? -1 : bytes.lastIndexOf(recordEnd)
  if (close <= open) return undefined
  try {
    const rest = JSON.parse(
      `${bytes.toString('utf8', 0, open)}"record":null${bytes.toString('utf8', close + 1)}`,
    ) as { commit?: { record?: unknown } } | null
    if (rest?.commit?.record !== null) return undefined
    return { rest, record: bytes.subarray(open + recordStart.length - 1, close + 1) }
  } catch {
    return undefined
  }
}

function readEvent(json: unknown, record: Uint8Array | undefined, source: string): FirehoseEvent | undefined {
  const event = object(json, 'event')
  const { kind } = event
  if (kind !== 'commit' && kind !== 'identity' && kind !== 'account') return undefined
  const timeUs = event.time_us
  if (!isCount(timeUs) || timeUs === 0) throw wrong('time_us')
  const did = text(event, 'did')
  if (!isValidDid(did)) throw wrong('did')
  const base = { did, source, timeUs }
  const body = object(event[kind], kind)
  if (kind === 'commit') return readCommit(body, record, base)

  // Where the two name different accounts, nobody can tell which one is meant.
  if (body.did !== undefined && body.did !== did) throw wrong(`${kind}.did`)
  const { time, seq } = body
  if (!isCount(seq)) throw wrong(`${kind}.seq`)
  if (typeof time !== 'string' || !isTime(time)) throw wrong(`${kind}.time`)
  const common = { ...base, time, seq }
  if (kind === 'identity') {
    const handle = optionalText(body, 'handle')
    return { ...common, kind, handle: handle !== undefined && isValidHandle(handle) ? handle : undefined }
  }
  if (typeof body.active !== 'boolean') throw wrong('account.active')
  return { ...common, kind, active: body.active, status: optionalText(body, 'status')?.slice(0, 64) }
}

function readCommit(
  commit: Record<string, unknown>,
  record: Uint8Array | undefined,
  base: { did: string; source: string; timeUs: number },
): CommitEvent {
  const action = commit.operation
  if (action !== 'create' && action !== 'update' && action !== 'delete') throw wrong('commit.operation')
  const rev = text(commit, 'rev')
  if (!isTid(rev)) throw wrong('commit.rev')
  const path = tryParsePath(`${text(commit, 'collection')}/${text(commit, 'rkey')}`)
  if (!path) throw wrong('commit.collection or commit.rkey')
  const op: RecordOp = { action, collection: path.collection, rkey: path.rkey, cid: null, record: null }
  if (action !== 'delete') {
    op.cid = text(commit, 'cid')
    if (!tryParseCid(op.cid)) throw wrong('commit.cid')
    op.record = record ?? Buffer.from(JSON.stringify(object(commit.record, 'commit.record')))
  }
  return { ...base, kind: 'commit', rev, ops: [op], verified: false, seq: 0, time: '' }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new TypeError('the message is not JSON', { cause: error })
  }
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name)
  return value as Record<string, unknown>
}

function text(from: Record<string, unknown>, name: string): string {
  const value = from[name]
  if (typeof value !== 'string' || value === '') throw wrong(name)
  return value
}

function optionalText(from: Record<string, unknown>, name: string): string | undefined {
  const value = from[name]
  return typeof value === 'string' ? value : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function wrong(name: string): TypeError {
  return new TypeError(`the message lacks ${name}, or it is malformed`)
}
