import type { CommitEvent, FirehoseEvent, RecordOp } from '../events.ts'

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
  // Parsing all but the record leaves it to who needs it. A key `record` comes first in the commit, as what stands before
  // it are plain strings, in which a quote would be escaped.
  const open = bytes.indexOf(recordStart)
  const close = open < 0 ? -1 : bytes.lastIndexOf(recordEnd)
  if (open >= 0 && close > open) {
    const head = bytes.toString('utf8', 0, open)
    const tail = bytes.toString('utf8', close + 1)
    const event = readEvent(parse(`${head}"record":null${tail}`), source)
    if (event?.kind === 'commit' && event.ops[0]!.action !== 'delete') {
      event.ops[0]!.record = bytes.subarray(open + recordStart.length - 1, close + 1)
    }
    return event
  }
  return readEvent(parse(bytes.toString('utf8')), source)
}

function readEvent(json: unknown, source: string): FirehoseEvent | undefined {
  const event = object(json, 'event')
  const { kind } = event
  if (kind !== 'commit' && kind !== 'identity' && kind !== 'account') return undefined
  const timeUs = integer(event, 'time_us')
  const base = { did: text(event, 'did'), source, timeUs }
  const body = object(event[kind], kind)
  if (kind === 'commit') return readCommit(body, base)
  const common = { ...base, time: optionalText(body, 'time') ?? '', seq: integer(body, 'seq') }
  if (kind === 'identity') return { ...common, kind, handle: optionalText(body, 'handle') }
  if (typeof body.active !== 'boolean') throw wrong('account.active')
  return { ...common, kind, active: body.active, status: optionalText(body, 'status') }
}

function readCommit(
  commit: Record<string, unknown>,
  base: { did: string; source: string; timeUs: number },
): CommitEvent {
  const action = commit.operation
  if (action !== 'create' && action !== 'update' && action !== 'delete') throw wrong('commit.operation')
  const op: RecordOp = {
    action,
    collection: text(commit, 'collection'),
    rkey: text(commit, 'rkey'),
    cid: action === 'delete' ? null : text(commit, 'cid'),
    record: null,
  }
  if (action !== 'delete' && commit.record !== null) {
    op.record = Buffer.from(JSON.stringify(object(commit.record, 'commit.record')))
  }
  return { ...base, kind: 'commit', rev: text(commit, 'rev'), ops: [op], verified: false, seq: 0, time: '' }
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

function integer(from: Record<string, unknown>, name: string): number {
  const value = from[name]
  if (!Number.isSafeInteger(value)) throw wrong(name)
  return value as number
}

function wrong(name: string): TypeError {
  return new TypeError(`the message lacks ${name}, or it is of the wrong type`)
}
