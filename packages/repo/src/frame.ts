import { ByteSink } from './bytes.ts'
import { encodeCbor, writeValue } from './cbor/encode.ts'
import type { CborValue } from './cbor/decode.ts'
import { CborReader, isTextAt, majors } from './cbor/reader.ts'
import { Cid, cidBytes } from './cid.ts'
import { RepoError } from './errors.ts'

/**
 * Frames of `com.atproto.sync.subscribeRepos`: one WebSocket message holds two CBOR items, a header and a body.
 *
 * @see https://atproto.com/specs/event-stream
 * @see https://github.com/bluesky-social/atproto/blob/main/lexicons/com/atproto/sync/subscribeRepos.json
 */

/** Limits of the protocol, in bytes where not said otherwise. */
export const frameLimits = {
  /** A whole frame. */
  frame: 5_000_000,
  /** The CAR of a commit. */
  commitBlocks: 2_000_000,
  /** The CAR of a #sync, which holds the commit alone. The lexicon says 10,000; relays take more. */
  syncBlocks: 10_000,
  /** Operations of a commit, a count. */
  ops: 200,
  /** A record. */
  record: 1_048_576,
} as const

export interface CommitOp {
  action: 'create' | 'update' | 'delete'
  /** `collection/rkey`, as sent. */
  path: string
  /** The record's CID; null for a delete. */
  cid: Cid | null
  /** What the record was before an update or a delete; null where the sender is from before Sync 1.1. */
  prev: Cid | null
}

export interface CommitFrame {
  kind: 'commit'
  seq: number
  did: string
  rev: string
  /** The rev before this one, null for the first. */
  since: string | null
  commit: Cid
  /** The root of the tree before, undefined where the sender is from before Sync 1.1. */
  prevData: Cid | undefined
  ops: CommitOp[]
  /** The CAR, a view. */
  blocks: Uint8Array
  time: string
  /** Set by senders of old that left the blocks out. */
  tooBig: boolean
}

export interface SyncFrame {
  kind: 'sync'
  seq: number
  did: string
  rev: string
  /** A CAR with just the commit, a view. */
  blocks: Uint8Array
  time: string
}

export interface IdentityFrame {
  kind: 'identity'
  seq: number
  did: string
  handle: string | undefined
  time: string
}

export interface AccountFrame {
  kind: 'account'
  seq: number
  did: string
  active: boolean
  status: string | undefined
  time: string
}

export interface InfoFrame {
  kind: 'info'
  name: string
  message: string | undefined
}

/** The stream's last word: what comes behind it is a closed connection. */
export interface ErrorFrame {
  kind: 'error'
  error: string
  message: string | undefined
}

/** A message of a type that this code does not know: to be passed over, as the protocol says. */
export interface UnknownFrame {
  kind: 'unknown'
  type: string
}

export type Frame =
  | CommitFrame
  | SyncFrame
  | IdentityFrame
  | AccountFrame
  | InfoFrame
  | ErrorFrame
  | UnknownFrame

export type FrameKind = Frame['kind']

/** What one needs to know of a frame to route it. */
export interface FramePeek {
  kind: FrameKind
  /** 0 for kinds that have none. */
  seq: number
  /** Empty for kinds that have none. */
  did: string
  /** The rev of a commit or #sync; otherwise empty. */
  rev: string
  /** When it was sent, as the sender says; not checked. Empty for kinds that have none. */
  time: string
}

/** A Map, as the type comes from outside: `constructor` is a property of every object, and no type of ours. */
const kindsByType = new Map<string, FrameKind>([
  ['#commit', 'commit'],
  ['#sync', 'sync'],
  ['#identity', 'identity'],
  ['#account', 'account'],
  ['#info', 'info'],
])

/** The fields of each message that `readFrame` looks at; whatever else is there is none of its business. */
const fieldsByKind: Record<Exclude<FrameKind, 'unknown'>, ReadonlySet<string>> = {
  commit: new Set('seq repo rev since commit prevData ops blocks time tooBig rebase'.split(' ')),
  sync: new Set(['seq', 'did', 'rev', 'blocks', 'time']),
  identity: new Set(['seq', 'did', 'handle', 'time']),
  account: new Set(['seq', 'did', 'active', 'status', 'time']),
  info: new Set(['name', 'message']),
  error: new Set(['error', 'message']),
}

/**
 * Reads just the kind, seq, DID, rev and time of a frame, a small part of what `readFrame` costs.
 *
 * @throws RepoError `frame_bad`, `frame_bad_body`, `cbor_*`
 */
export function peekFrame(bytes: Uint8Array): FramePeek {
  const reader = new CborReader(bytes)
  const kind = readHeader(reader).kind
  const peek: FramePeek = { kind, seq: 0, did: '', rev: '', time: '' }
  if (kind === 'info' || kind === 'error' || kind === 'unknown') return peek
  // Only the field that `readFrame` takes: a frame with both must not be routed by one and read by the other.
  const didField = kind === 'commit' ? 'repo' : 'did'
  const hasRev = kind === 'commit' || kind === 'sync'
  for (let left = openBody(reader); left > 0; left--) {
    const from = reader.key()
    const to = reader.pos
    if (isTextAt(bytes, from, to, 'seq')) peek.seq = reader.integer()
    else if (isTextAt(bytes, from, to, didField)) peek.did = reader.text()
    else if (hasRev && isTextAt(bytes, from, to, 'rev')) peek.rev = reader.text()
    else if (isTextAt(bytes, from, to, 'time')) peek.time = reader.text()
    else reader.skip()
  }
  reader.finish()
  if (peek.seq < 1) throw badBody('seq')
  if (peek.did === '') throw badBody('did')
  return peek
}

/**
 * Reads a whole frame. Byte fields are views into it; CARs are not opened.
 *
 * @throws RepoError `frame_bad`, `frame_bad_body`, `cbor_*`, `cid_invalid`; `too_big` where it has too many operations
 */
export function readFrame(bytes: Uint8Array): Frame {
  const reader = new CborReader(bytes)
  const { kind, type } = readHeader(reader)
  if (kind === 'unknown') return { kind, type }
  const fields = readFields(reader, fieldsByKind[kind])
  switch (kind) {
    case 'commit':
      return {
        kind,
        seq: seq(fields),
        did: text(fields, 'repo'),
        rev: text(fields, 'rev'),
        since: fields.since === null || fields.since === undefined ? null : text(fields, 'since'),
        commit: cid(fields, 'commit'),
        prevData:
          fields.prevData === null || fields.prevData === undefined ? undefined : cid(fields, 'prevData'),
        ops: ops(fields.ops),
        blocks: blob(fields, 'blocks'),
        time: text(fields, 'time'),
        tooBig: fields.tooBig === true || fields.rebase === true,
      }
    case 'sync':
      return {
        kind,
        seq: seq(fields),
        did: text(fields, 'did'),
        rev: text(fields, 'rev'),
        blocks: blob(fields, 'blocks'),
        time: text(fields, 'time'),
      }
    case 'identity':
      return {
        kind,
        seq: seq(fields),
        did: text(fields, 'did'),
        handle: optionalText(fields, 'handle'),
        time: text(fields, 'time'),
      }
    case 'account':
      if (typeof fields.active !== 'boolean') throw badBody('active')
      return {
        kind,
        seq: seq(fields),
        did: text(fields, 'did'),
        active: fields.active,
        status: optionalText(fields, 'status'),
        time: text(fields, 'time'),
      }
    case 'info':
      return { kind, name: text(fields, 'name'), message: optionalText(fields, 'message') }
    case 'error':
      return { kind, error: text(fields, 'error'), message: optionalText(fields, 'message') }
  }
}

/** Writes a message frame: for networks made of our own bytes. `type` is `#commit`, `#account`, … */
export function encodeFrame(type: string, body: { [key: string]: CborValue }): Uint8Array {
  const sink = new ByteSink(4096)
  writeValue(sink, { t: type, op: 1 })
  writeValue(sink, body)
  return Uint8Array.from(sink.view())
}

/** Writes an error frame. */
export function encodeErrorFrame(error: string, message?: string): Uint8Array {
  const header = encodeCbor({ op: -1 })
  const body = encodeCbor(message === undefined ? { error } : { error, message })
  return Buffer.concat([header, body])
}

function readHeader(reader: CborReader): { kind: FrameKind; type: string } {
  let op: number | undefined
  let type = ''
  try {
    for (let left = reader.map(); left > 0; left--) {
      const from = reader.key()
      if (isTextAt(reader.bytes, from, reader.pos, 'op')) op = reader.integer()
      else if (isTextAt(reader.bytes, from, reader.pos, 't')) type = reader.text()
      else reader.skip()
    }
  } catch (error) {
    throw new RepoError('frame_bad', undefined, { cause: error })
  }
  if (op === undefined) throw new RepoError('frame_bad', 'the header has no op')
  if (op === -1) return { kind: 'error', type: '' }
  if (op !== 1) return { kind: 'unknown', type: `op ${op}` }
  return { kind: kindsByType.get(type) ?? 'unknown', type }
}

function openBody(reader: CborReader): number {
  if (reader.peekMajor() !== majors.map) throw new RepoError('frame_bad', 'the body is not a map')
  return reader.map()
}

type Field = null | boolean | number | string | Uint8Array | Cid | CommitOp[] | undefined
interface Fields {
  [key: string]: Field
}

/** Reads the fields of a body that are wanted, and skips the others. */
function readFields(reader: CborReader, wanted: ReadonlySet<string>): Fields {
  const fields: Fields = {}
  for (let left = openBody(reader); left > 0; left--) {
    const key = reader.keyText()
    if (!wanted.has(key)) reader.skip()
    else fields[key] = key === 'ops' ? readOps(reader) : readField(reader)
  }
  reader.finish()
  return fields
}

function readField(reader: CborReader): Field {
  switch (reader.peekMajor()) {
    case majors.uint:
    case majors.nint:
      return reader.integer()
    case majors.bytes:
      return reader.byteString()
    case majors.text:
      return reader.text()
    case majors.tag: {
      const at = reader.link()
      return new Cid(reader.bytes.subarray(at, at + cidBytes))
    }
    case majors.simple:
      if (reader.tryNull()) return null
      if ((reader.bytes[reader.pos]! & 0xfe) === 0xf4) return reader.boolean()
      break
  }
  // Arrays, maps and floats: nothing that a message of today has.
  reader.skip()
  return undefined
}

function readOps(reader: CborReader): CommitOp[] {
  // Old encoders send null for an empty list.
  if (reader.tryNull()) return []
  const count = reader.array()
  if (count > frameLimits.ops) throw new RepoError('too_big', `ops=${count}`)
  const list: CommitOp[] = []
  for (let i = 0; i < count; i++) {
    let action: string | undefined
    let path: string | undefined
    let recordCid: Cid | null = null
    let prev: Cid | null = null
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.keyText()
      if (key === 'action') action = reader.text()
      else if (key === 'path') path = reader.text()
      else if (key === 'cid') recordCid = linkOrNull(reader)
      else if (key === 'prev') prev = linkOrNull(reader)
      else reader.skip()
    }
    if (action !== 'create' && action !== 'update' && action !== 'delete') throw badBody('ops.action')
    if (path === undefined) throw badBody('ops.path')
    list.push({ action, path, cid: recordCid, prev })
  }
  return list
}

function linkOrNull(reader: CborReader): Cid | null {
  if (reader.tryNull()) return null
  const at = reader.link()
  return new Cid(reader.bytes.subarray(at, at + cidBytes))
}

function seq(fields: Fields): number {
  const value = fields.seq
  if (typeof value !== 'number' || value < 1) throw badBody('seq')
  return value
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw badBody(name)
  return value
}

function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  return text(fields, name)
}

function cid(fields: Fields, name: string): Cid {
  const value = fields[name]
  if (!(value instanceof Cid)) throw badBody(name)
  return value
}

function blob(fields: Fields, name: string): Uint8Array {
  const value = fields[name]
  if (!(value instanceof Uint8Array)) throw badBody(name)
  return value
}

function ops(value: Field): CommitOp[] {
  if (!Array.isArray(value)) throw badBody('ops')
  return value
}

function badBody(field: string): RepoError {
  return new RepoError('frame_bad_body', `field=${field}`)
}
