import * as ipld from '@ipld/dag-cbor'
import { describe, expect, it } from 'vitest'
import { hex, refusal } from '../../test/refused.ts'
import { concatBytes } from '../bytes.ts'
import type { CborValue } from '../cbor/decode.ts'
import { encodeCbor } from '../cbor/encode.ts'
import { cidOf } from '../cid.ts'
import { peekFrame, readFrame } from './read.ts'
import { type CommitFrame, frameLimits } from './types.ts'
import { encodeErrorFrame, encodeFrame } from './write.ts'

const cid = cidOf(encodeCbor({}))
const other = cidOf(encodeCbor({ a: 1 }))
const commit = {
  seq: 7,
  repo: 'did:web:a.example',
  rev: '3mptbypluud2a',
  since: '3mptbypluud22',
  commit: cid,
  prevData: other,
  ops: [
    { action: 'create', path: 'com.example.a/1', cid },
    { action: 'update', path: 'com.example.a/2', cid, prev: other },
    { action: 'delete', path: 'com.example.a/3', cid: null, prev: other },
  ],
  blocks: Uint8Array.of(1, 2, 3),
  blobs: [],
  time: '2026-07-04T14:38:07.517Z',
  rebase: false,
  tooBig: false,
}

/** A frame whose body is not checked to be one. */
function frame(type: string, body: { [key: string]: unknown }): Uint8Array {
  return encodeFrame(type, body as { [key: string]: CborValue })
}

function read(body: { [key: string]: unknown }): CommitFrame {
  return readFrame(frame('#commit', body)) as CommitFrame
}

/** The same map with its entries the other way round, which is not how DAG-CBOR has them. */
function reversed(body: { [key: string]: CborValue }): Uint8Array {
  const entries = Object.entries(body)
  return concatBytes([
    Uint8Array.of(0xa0 | entries.length),
    ...entries.toReversed().flatMap(([key, value]) => [encodeCbor(key), encodeCbor(value)]),
  ])
}

describe('a commit frame', () => {
  it('reads as what it says', () => {
    expect(read(commit)).toEqual({
      kind: 'commit',
      seq: 7,
      did: 'did:web:a.example',
      rev: '3mptbypluud2a',
      since: '3mptbypluud22',
      commit: cid,
      prevData: other,
      ops: [
        { action: 'create', path: 'com.example.a/1', cid, prev: null },
        { action: 'update', path: 'com.example.a/2', cid, prev: other },
        { action: 'delete', path: 'com.example.a/3', cid: null, prev: other },
      ],
      blocks: Uint8Array.of(1, 2, 3),
      time: '2026-07-04T14:38:07.517Z',
      tooBig: false,
    })
  })

  it('is written as any DAG-CBOR', () => {
    const { ops, prevData, commit: root, ...plain } = commit
    const bytes = frame('#commit', plain)
    const header = encodeCbor({ op: 1, t: '#commit' })
    expect(Buffer.compare(bytes.subarray(0, header.length), ipld.encode({ op: 1, t: '#commit' }))).toBe(0)
    expect(Buffer.compare(bytes.subarray(header.length), ipld.encode(plain))).toBe(0)
    expect([ops.length, prevData, root]).toEqual([3, other, cid])
  })

  it('has bytes that are views', () => {
    const bytes = frame('#commit', commit)
    const { blocks, commit: root } = readFrame(bytes) as CommitFrame
    expect([blocks.buffer, root.bytes.buffer]).toEqual([bytes.buffer, bytes.buffer])
  })

  it('takes null for a list, as old encoders have it', () => {
    expect(read({ ...commit, ops: null, blobs: null }).ops).toEqual([])
  })

  it('takes senders from before Sync 1.1', () => {
    const { prevData, ...older } = commit
    expect(prevData).toBe(other)
    expect(read(older).prevData).toBeUndefined()
    expect(read({ ...commit, prevData: null }).prevData).toBeUndefined()
    expect(read({ ...commit, since: null }).since).toBeNull()
    expect(read({ ...commit, tooBig: true }).tooBig).toBe(true)
    expect(read({ ...commit, rebase: true }).tooBig).toBe(true)
  })

  it.each([
    ['text', 'x'],
    ['an integer', 1],
    ['a large integer', 2n ** 60n],
    ['a float', 1.5],
    ['bytes', Uint8Array.of(1)],
    ['a link', cid],
    ['a list', [1, [2]]],
    ['a map', { a: { b: [] } }],
    ['null', null],
    ['a boolean', true],
  ])('is no other for a field more that is %s, under any name', (_, value) => {
    for (const name of ['later', '__proto__', 'constructor', 'toString', 'did']) {
      const body = Object.defineProperty({ ...commit }, name, { value, enumerable: true })
      expect(readFrame(frame('#commit', body))).toEqual(read(commit))
      expect(peekFrame(frame('#commit', body))).toEqual(peekFrame(frame('#commit', commit)))
    }
    const ops = commit.ops.map(op => Object.assign({ later: value }, op))
    expect(read({ ...commit, ops }).ops).toEqual(read(commit).ops)
  })

  it('may have its fields in any order', () => {
    const header = encodeCbor({ op: 1, t: '#commit' })
    const bytes = concatBytes([header, reversed(commit)])
    expect(readFrame(bytes)).toEqual(read(commit))
    expect(peekFrame(bytes)).toEqual(peekFrame(frame('#commit', commit)))
  })

  const wrong: [field: string, value: unknown][] = [
    ['seq', undefined],
    ['seq', 0],
    ['seq', -1],
    ['seq', '7'],
    ['repo', undefined],
    ['repo', 7],
    ['rev', undefined],
    ['rev', null],
    ['since', 7],
    ['commit', undefined],
    ['commit', 'text'],
    ['commit', null],
    ['prevData', 'text'],
    ['blocks', undefined],
    ['blocks', 'text'],
    ['time', undefined],
    ['time', 1],
    ['ops', undefined],
  ]
  it.each(wrong)('is refused for %s being %j', (field, value) => {
    expect(refusal(() => read({ ...commit, [field]: value }))).toBe('frame_bad_body')
  })

  it.each([
    ['an action that there is not', { action: 'move', path: 'com.example.a/1', cid }, 'frame_bad_body'],
    ['no action', { path: 'com.example.a/1', cid }, 'frame_bad_body'],
    ['no path', { action: 'create', cid }, 'frame_bad_body'],
    ['a path that is no text', { action: 'create', path: 1, cid }, 'cbor_bad_value'],
    ['a CID that is text', { action: 'create', path: 'com.example.a/1', cid: `${cid}` }, 'cbor_bad_value'],
    ['being no map', 'create', 'cbor_bad_value'],
  ])('is refused for an operation with %s', (_, op, code) => {
    expect(refusal(() => read({ ...commit, ops: [op] }))).toBe(code)
  })

  it('is refused for an action in bad UTF-8', () => {
    const bytes = frame('#commit', { ...commit, ops: [{ action: 'creat?', path: 'a/b', cid }] })
    bytes[Buffer.from(bytes).indexOf('creat?') + 5] = 0xff
    expect(refusal(() => readFrame(bytes))).toBe('cbor_bad_utf8')
  })

  it('is refused for ops that are no list', () => {
    expect(refusal(() => read({ ...commit, ops: 'none' }))).toBe('cbor_bad_value')
  })

  it('takes as many operations as the protocol does', () => {
    const ops = Array.from({ length: frameLimits.ops }, () => commit.ops[0]!)
    expect(read({ ...commit, ops }).ops).toHaveLength(200)
    expect(refusal(() => read({ ...commit, ops: [...ops, ops[0]!] }))).toBe('too_big')
  })
})

describe('other frames', () => {
  const time = '2026-07-04T14:38:07.517Z'

  it('read as what they say', () => {
    const did = 'did:web:a.example'
    const blocks = Uint8Array.of(1)
    const sync = { seq: 1, did, rev: '3mptbypluud2a', blocks, time }
    expect(readFrame(frame('#sync', sync))).toEqual({ kind: 'sync', ...sync })
    const identity = { seq: 1, did, time }
    expect(readFrame(frame('#identity', identity))).toEqual({
      kind: 'identity',
      handle: undefined,
      ...identity,
    })
    expect(readFrame(frame('#identity', { ...identity, handle: 'a.example' }))).toMatchObject({
      handle: 'a.example',
    })
    expect(readFrame(frame('#identity', { ...identity, handle: null }))).toMatchObject({ handle: undefined })
    const account = { seq: 1, did, time, active: true }
    expect(readFrame(frame('#account', account))).toEqual({ kind: 'account', status: undefined, ...account })
    const gone = { ...account, active: false, status: 'deleted' }
    expect(readFrame(frame('#account', gone))).toEqual({ kind: 'account', ...gone })
    const info = { name: 'OutdatedCursor', message: 'too old' }
    expect(readFrame(frame('#info', info))).toEqual({ kind: 'info', ...info })
  })

  it.each([
    ['#sync', { seq: 1, did: 'did:web:a.example', rev: '3mptbypluud2a', time }],
    ['#identity', { seq: 1, time }],
    ['#identity', { seq: 1, did: 'did:web:a.example', time, handle: 1 }],
    ['#account', { seq: 1, did: 'did:web:a.example', time }],
    ['#account', { seq: 1, did: 'did:web:a.example', time, active: 1 }],
    ['#account', { seq: 1, did: 'did:web:a.example', time, active: true, status: false }],
    ['#info', {}],
  ])('%s is refused for %j', (type, body) => {
    expect(refusal(() => readFrame(frame(type, body)))).toBe('frame_bad_body')
  })

  it('of a type that nobody knows are passed over, whatever is in them', () => {
    for (const type of [
      '#later',
      '',
      '#commi',
      '?commit',
      '#',
      'constructor',
      '__proto__',
      'toString',
      'com.example.other#commit',
    ]) {
      expect(readFrame(frame(type, commit))).toEqual({ kind: 'unknown', type })
      expect(peekFrame(frame(type, commit))).toEqual({ kind: 'unknown', seq: 0, did: '', rev: '', time: '' })
    }
    const op = concatBytes([encodeCbor({ op: 2, t: '#commit' }), encodeCbor({})])
    expect(readFrame(op)).toEqual({ kind: 'unknown', type: 'op 2' })
  })

  it('of an error say which', () => {
    expect(readFrame(encodeErrorFrame('FutureCursor', 'ahead'))).toEqual({
      kind: 'error',
      error: 'FutureCursor',
      message: 'ahead',
    })
    expect(readFrame(encodeErrorFrame('ConsumerTooSlow'))).toEqual({
      kind: 'error',
      error: 'ConsumerTooSlow',
      message: undefined,
    })
    expect(peekFrame(encodeErrorFrame('ConsumerTooSlow')).kind).toBe('error')
  })
})

describe('no frame', () => {
  const body = encodeCbor({ seq: 1 })
  it.each([
    ['nothing', new Uint8Array(0), 'frame_bad'],
    ['text', Buffer.from('{"op":1}'), 'frame_bad'],
    ['a header that is no map', concatBytes([encodeCbor([1]), body]), 'frame_bad'],
    ['a header without op', concatBytes([encodeCbor({ t: '#commit' }), body]), 'frame_bad'],
    ['a header whose op is text', concatBytes([encodeCbor({ op: '1' }), body]), 'frame_bad'],
    ['a header whose type is no text', concatBytes([encodeCbor({ op: 1, t: 1 }), body]), 'frame_bad'],
    ['a header alone', encodeCbor({ op: 1, t: '#commit' }), 'frame_bad'],
    [
      'a body that is no map',
      concatBytes([encodeCbor({ op: 1, t: '#commit' }), encodeCbor([])]),
      'frame_bad',
    ],
    ['more than a body', concatBytes([frame('#commit', commit), body]), 'cbor_trailing'],
    [
      'a body with a key that is no text',
      concatBytes([encodeCbor({ op: 1, t: '#info' }), hex('a1 01 01')]),
      'cbor_bad_key',
    ],
  ])('is %s', (_, bytes, code) => {
    expect(refusal(() => readFrame(bytes))).toBe(code)
  })
})

describe('peekFrame', () => {
  it('says what the whole frame says', () => {
    const { seq, rev, time, repo: did } = commit
    expect(peekFrame(frame('#commit', commit))).toEqual({ kind: 'commit', seq, did, rev, time })
    expect(peekFrame(frame('#identity', { seq: 1, did, time }))).toEqual({
      kind: 'identity',
      seq: 1,
      did,
      rev: '',
      time,
    })
    expect(peekFrame(frame('#info', { name: 'x' }))).toEqual({
      kind: 'info',
      seq: 0,
      did: '',
      rev: '',
      time: '',
    })
  })

  it('goes by the field that the whole frame goes by', () => {
    // `repo` names the account of a commit, `did` that of all others.
    const both = { repo: 'did:web:repo.example', did: 'did:web:did.example' }
    expect(peekFrame(frame('#commit', { ...commit, ...both })).did).toBe(both.repo)
    expect(read({ ...commit, ...both }).did).toBe(both.repo)
    const sync = frame('#sync', {
      seq: 1,
      rev: '3mptbypluud2a',
      blocks: new Uint8Array(0),
      time: '',
      ...both,
    })
    expect(peekFrame(sync).did).toBe(both.did)
    expect(readFrame(sync)).toMatchObject({ did: both.did })
  })

  it.each([{ seq: 0 }, { seq: undefined }, { repo: undefined }, { repo: '' }])(
    'is refused without %j',
    missing => {
      expect(refusal(() => peekFrame(frame('#commit', { ...commit, ...missing })))).toBe('frame_bad_body')
    },
  )
})
