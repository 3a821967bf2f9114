import { Names } from '../cbor/names.ts'
import { CborReader } from '../cbor/reader.ts'
import { Cid } from '../cid.ts'
import { RepoError } from '../errors.ts'
import { type FieldName, readFields } from './fields.ts'
import { openBody, readHeader } from './header.ts'
import type { Frame, FrameKind, FramePeek } from './types.ts'

type KnownKind = Exclude<FrameKind, 'unknown'>

/** The fields of each message that `readFrame` looks at; whatever else is there is none of its business. */
const fieldsByKind: Record<KnownKind, Names<FieldName>> = {
  commit: new Names([
    'seq',
    'repo',
    'rev',
    'since',
    'commit',
    'prevData',
    'ops',
    'blocks',
    'time',
    'tooBig',
    'rebase',
  ]),
  sync: new Names(['seq', 'did', 'rev', 'blocks', 'time']),
  identity: new Names(['seq', 'did', 'handle', 'time']),
  account: new Names(['seq', 'did', 'active', 'status', 'time']),
  info: new Names(['name', 'message']),
  error: new Names(['error', 'message']),
}

/** Those that `peekFrame` looks at. */
const peekedByKind = {
  // Only the field that `readFrame` takes: a frame with both must not be routed by one and read by the other.
  commit: new Names(['seq', 'repo', 'rev', 'time']),
  sync: new Names(['seq', 'did', 'rev', 'time']),
  identity: new Names(['seq', 'did', 'time']),
  account: new Names(['seq', 'did', 'time']),
} satisfies Partial<Record<FrameKind, Names<FieldName>>>

/**
 * Reads just the kind, seq, DID, rev and time of a frame, half of what `readFrame` costs.
 *
 * @throws RepoError `frame_bad`, `frame_bad_body`, `cbor_*`
 */
export function peekFrame(bytes: Uint8Array): FramePeek {
  const reader = new CborReader(bytes)
  const { kind } = readHeader(reader)
  const peek: FramePeek = { kind, seq: 0, did: '', rev: '', time: '' }
  if (kind === 'info' || kind === 'error' || kind === 'unknown') return peek
  const names: Names<'seq' | 'repo' | 'did' | 'rev' | 'time'> = peekedByKind[kind]
  for (let left = openBody(reader); left > 0; left--) {
    const from = reader.key()
    switch (names.at(bytes, from, reader.pos)) {
      case 'seq':
        peek.seq = reader.integer()
        break
      case 'repo':
      case 'did':
        peek.did = reader.text()
        break
      case 'rev':
        peek.rev = reader.text()
        break
      case 'time':
        peek.time = reader.text()
        break
      case undefined:
        reader.skip()
    }
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
      if (!Array.isArray(fields.ops)) throw badBody('ops')
      return {
        kind,
        seq: seq(fields.seq),
        did: text('repo', fields.repo),
        rev: text('rev', fields.rev),
        since: optionalText('since', fields.since) ?? null,
        commit: cid('commit', fields.commit),
        prevData: isGiven(fields.prevData) ? cid('prevData', fields.prevData) : undefined,
        ops: fields.ops,
        blocks: blocks(fields.blocks),
        time: text('time', fields.time),
        tooBig: fields.tooBig === true || fields.rebase === true,
      }
    case 'sync':
      return {
        kind,
        seq: seq(fields.seq),
        did: text('did', fields.did),
        rev: text('rev', fields.rev),
        blocks: blocks(fields.blocks),
        time: text('time', fields.time),
      }
    case 'identity':
      return {
        kind,
        seq: seq(fields.seq),
        did: text('did', fields.did),
        handle: optionalText('handle', fields.handle),
        time: text('time', fields.time),
      }
    case 'account':
      if (typeof fields.active !== 'boolean') throw badBody('active')
      return {
        kind,
        seq: seq(fields.seq),
        did: text('did', fields.did),
        active: fields.active,
        status: optionalText('status', fields.status),
        time: text('time', fields.time),
      }
    case 'info':
      return { kind, name: text('name', fields.name), message: optionalText('message', fields.message) }
    case 'error':
      return { kind, error: text('error', fields.error), message: optionalText('message', fields.message) }
  }
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined
}

function seq(value: unknown): number {
  if (typeof value !== 'number' || value < 1) throw badBody('seq')
  return value
}

function text(name: FieldName, value: unknown): string {
  if (typeof value !== 'string') throw badBody(name)
  return value
}

function optionalText(name: FieldName, value: unknown): string | undefined {
  return isGiven(value) ? text(name, value) : undefined
}

function cid(name: FieldName, value: unknown): Cid {
  if (!(value instanceof Cid)) throw badBody(name)
  return value
}

function blocks(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw badBody('blocks')
  return value
}

function badBody(field: FieldName): RepoError {
  return new RepoError('frame_bad_body', `field=${field}`)
}
