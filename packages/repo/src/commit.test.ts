import { describe, expect, it } from 'vitest'
import { hex, refusal } from '../test/refused.ts'
import { concatBytes } from './bytes.ts'
import type { CborValue } from './cbor/decode.ts'
import { encodeCbor } from './cbor/encode.ts'
import { cidOf } from './cid.ts'
import { readCommit, signCommit, verifyCommitSignature } from './commit.ts'
import { parsePublicKey } from './keys.ts'
import { generateSigningKey, signBytes } from './signing.ts'

const data = cidOf(encodeCbor({}))
const signing = generateSigningKey()
const key = parsePublicKey(signing.multikey)
const fields = { did: 'did:web:a.example', rev: '3mptbypluud2a', data, prev: null, version: 3 }

/** A commit of these fields, signed over all of them. */
function signed(unsigned: { [name: string]: CborValue }): Uint8Array {
  return encodeCbor({ ...unsigned, sig: signBytes(signing, encodeCbor(unsigned)) })
}

describe('a commit', () => {
  it('reads as what was signed', () => {
    const { cid, bytes } = signCommit(fields, signing)
    const { signature, unsigned, ...rest } = readCommit(bytes)
    expect(rest).toEqual({ did: fields.did, rev: fields.rev, data, prev: null })
    expect(Buffer.compare(unsigned, encodeCbor(fields))).toBe(0)
    expect(signature).toHaveLength(64)
    expect(cid.equals(cidOf(bytes))).toBe(true)
    expect(verifyCommitSignature(readCommit(bytes), key)).toBe(true)
  })

  it.each([
    ['a link to the commit before', { ...fields, prev: data }],
    ['a field that sorts first', { ...fields, a: 'first' }],
    ['a field that sorts last', { ...fields, zzzzzzzzzz: [1, { a: null }] }],
    // Two bytes of UTF-8, one character: it sorts behind `z`, which is one byte, and before `did`.
    ['a field whose name is not ASCII', { ...fields, z: 1, é: 2 }],
    [
      'as many fields as one byte counts',
      Object.assign(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`n${i}`, i])), fields),
    ],
  ])('is signed with %s too', (_, unsigned) => {
    expect(verifyCommitSignature(readCommit(signed(unsigned)), key)).toBe(true)
  })

  const lacking = ['did', 'rev', 'data', 'prev', 'version'] as const
  it.each(lacking)('is refused without %s', name => {
    expect(refusal(() => readCommit(signed({ ...fields, [name]: undefined })))).toBe('commit_bad')
  })

  it.each([
    ['no signature', encodeCbor(fields)],
    ['version 2', signed({ ...fields, version: 2 })],
    ['a version that is text', signed({ ...fields, version: '3' })],
    ['a DID that is no text', signed({ ...fields, did: 1 })],
    ['a tree that is no link', signed({ ...fields, data: 'text' })],
    ['a signature that is text', encodeCbor({ ...fields, sig: 'text' })],
    [
      'more fields than one byte counts',
      signed(Object.assign(Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`n${i}`, i])), fields)),
    ],
    ['a byte behind it', concatBytes([signed(fields), Uint8Array.of(0)])],
    ['fields out of order', reordered(entries => entries.toReversed())],
    ['a field twice', reordered(entries => entries.toSpliced(1, 0, entries[1]!))],
    ['fields by length of text, not of bytes', reordered(entries => [['é', 1], ['zz', 1], ...entries])],
    ['a field that is not canonical', concatBytes([hex('a7 6161 1801'), signed(fields).subarray(1)])],
    [
      'a field that holds a map out of order',
      concatBytes([hex('a7 6161 a2 6162 01 6161 02'), signed(fields).subarray(1)]),
    ],
    ['a field whose name is not UTF-8', concatBytes([hex('a7 61ff 01'), signed(fields).subarray(1)])],
    ['being a record', encodeCbor({ $type: 'com.example.record' })],
    ['being a list', encodeCbor([])],
    ['being nothing', new Uint8Array(0)],
  ])('is refused for %s', (_, bytes) => {
    expect(refusal(() => readCommit(bytes))).toBe('commit_bad')
  })
})

/** A valid commit with its fields put otherwise. */
function reordered(change: (entries: [string, CborValue][]) => [string, CborValue][]): Uint8Array {
  const all: { [name: string]: CborValue } = { ...fields, sig: signBytes(signing, encodeCbor(fields)) }
  const sorted = Object.entries(all).toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
  const entries = change(sorted)
  return concatBytes([
    Uint8Array.of(0xa0 | entries.length),
    ...entries.flatMap(([name, value]) => [encodeCbor(name), encodeCbor(value)]),
  ])
}
