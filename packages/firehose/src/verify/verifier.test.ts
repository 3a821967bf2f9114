import { encodeFrame, generateSigningKey } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import { Author, type Draft, frameOf } from '../../test/support/author.ts'
import type { Checks } from './verdict.ts'
import { createVerifier } from './verifier.ts'

let numbers = 70
const newAuthor = (): Author => new Author(++numbers)

function verify(
  frames: readonly { frame: Uint8Array; key: string | null }[],
  checks: Checks = 'full',
  nowUs = Date.now() * 1_000,
) {
  const bytes = new Uint8Array(Buffer.concat(frames.map(({ frame }) => frame)))
  let end = 0
  const ends = frames.map(({ frame }) => (end += frame.length))
  const { verdicts, json } = createVerifier().verify({
    bytes,
    ends,
    keys: frames.map(({ key }) => key),
    checks,
    nowUs,
  })
  const text = (start: number, to: number): string => Buffer.from(json.subarray(start, to)).toString()
  return { verdicts, text }
}

const one = (draft: Draft, key: string | null, checks?: Checks, nowUs?: number) =>
  verify([{ frame: frameOf(draft, 1), key }], checks, nowUs).verdicts[0]!

describe('the verifier', () => {
  it('answers what a commit says, and its records as JSON', () => {
    const author = newAuthor()
    const first = author.post('first')
    const [path] = author.paths as [string]
    const second = author.commit([
      { path: 'app.bsky.feed.post/new', text: 'new <&>' },
      {
        path,
        text: undefined,
      },
    ])
    const { verdicts, text } = verify([
      { frame: frameOf(first, 1), key: author.key.multikey },
      { frame: frameOf(second, 2), key: author.key.multikey },
    ])
    expect(verdicts).toMatchObject([
      { ok: true, kind: 'commit', since: null, prevData: null, signed: true, complete: true, droppedOps: [] },
      {
        ok: true,
        since: first.rev,
        signed: true,
        complete: true,
        ops: [{ action: 'create' }, { action: 'delete', cid: null, start: 0, end: 0 }],
      },
    ])
    const verdict = verdicts[1]!
    if (!verdict.ok || verdict.kind !== 'commit') throw new Error('not a commit')
    const { start, end } = verdict.ops[0]!
    expect(text(start, end)).toBe('{"$type":"app.bsky.feed.post","text":"new \\u003c\\u0026\\u003e"}')
  })

  it('checks the signature with the key it is given, or says that it did not', () => {
    const author = newAuthor()
    expect(one(author.post('1'), author.key.multikey)).toMatchObject({ ok: true, signed: true })
    expect(one(author.post('2'), null)).toMatchObject({ ok: true, signed: false })
    expect(one(author.post('3'), generateSigningKey().multikey)).toMatchObject({ reason: 'bad_signature' })
    expect(one(author.post('4'), 'z6Mk')).toMatchObject({ reason: 'no_signing_key' })
    expect(one(author.sync(), generateSigningKey('p256').multikey)).toMatchObject({ reason: 'bad_signature' })
    expect(one(author.sync(), author.key.multikey)).toMatchObject({ ok: true, kind: 'sync', signed: true })
  })

  it('under none opens what there is, and trusts it', () => {
    const author = newAuthor()
    const draft = author.post('1', { key: generateSigningKey() })
    expect(one(draft, author.key.multikey, 'none')).toMatchObject({
      ok: true,
      signed: false,
      complete: false,
    })
  })

  it('refuses a rev from the future by the clock it is given', () => {
    const author = newAuthor()
    const draft = author.post('1')
    expect(one(draft, author.key.multikey, 'full', Date.UTC(2026, 0) * 1_000)).toMatchObject({
      reason: 'future_rev',
    })
  })

  it('leaves out an operation that is bad by itself, and the others not', () => {
    const author = newAuthor()
    const draft = author.commit([
      { path: 'app.bsky.feed.post/good', text: 'good' },
      { path: 'notanid/bad', text: 'bad' },
    ])
    expect(one(draft, author.key.multikey)).toMatchObject({
      ok: true,
      droppedOps: ['bad_path'],
      ops: [{ rkey: 'good' }],
    })
  })

  it('keeps to each frame of a batch, good or bad', () => {
    const author = newAuthor()
    const key = author.key.multikey
    const good = frameOf(author.post('good'), 1)
    const bad = frameOf(author.post('bad'), 2)
    bad[bad.length >> 1]! ^= 1
    const { verdicts } = verify([good, bad, good.slice(0, 50), good].map(frame => ({ frame, key })))
    const outcomes = verdicts.map(verdict => (verdict.ok ? 'ok' : verdict.reason))
    expect(outcomes).toEqual(['ok', 'hash_mismatch', expect.stringMatching(/^cbor_/), 'ok'])
  })

  it('takes a signature for the commit that it is of, wherever in a batch', () => {
    const author = newAuthor()
    const key = author.key.multikey
    const other = newAuthor().key.multikey
    const frames = [1, 2, 3, 4].map(seq => frameOf(author.post(`text ${seq}`), seq))
    const sync = frameOf(author.sync(), 5)
    const { verdicts, text } = verify([
      { frame: frames[0]!, key: other },
      { frame: frames[1]!, key },
      { frame: frames[2]!, key: null },
      { frame: sync, key: other },
      { frame: sync, key },
      { frame: frames[3]!, key },
    ])
    const outcomes = verdicts.map(verdict => (verdict.ok ? verdict.signed : verdict.reason))
    expect(outcomes).toEqual(['bad_signature', true, false, 'bad_signature', true, true])
    const records = verdicts.flatMap(verdict => (verdict.ok && verdict.kind === 'commit' ? verdict.ops : []))
    expect(records.map(({ start, end }) => (JSON.parse(text(start, end)) as { text: string }).text)).toEqual([
      'text 2',
      'text 3',
      'text 4',
    ])
  })

  it('refuses what is neither commit nor #sync', () => {
    const frame = encodeFrame('#account', { seq: 1, did: 'did:plc:a', active: true, time: '' })
    expect(verify([{ frame, key: null }]).verdicts).toMatchObject([{ reason: 'frame_bad_body' }])
  })
})
