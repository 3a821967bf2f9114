import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { IdentityError } from '../errors.ts'
import { parseDid } from './did.ts'

describe('parseDid', () => {
  it('takes did:plc', () => {
    const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
    expect(parseDid(did)).toEqual({ method: 'plc', did })
  })

  it.each([
    ['did:web:example.com', 'example.com', undefined],
    ['did:web:a.b.example.com', 'a.b.example.com', undefined],
    ['did:web:localhost', 'localhost', undefined],
    ['did:web:localhost%3A1234', 'localhost', 1234],
    ['did:web:localhost%3a1', 'localhost', 1],
  ])('takes %s', (did, host, port) => expect(parseDid(did)).toEqual({ method: 'web', did, host, port }))

  it.each([
    'did:plc:ewvi7nxzyoun6zhxrhs64oi',
    'did:plc:ewvi7nxzyoun6zhxrhs64oizz',
    'did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ',
    'did:plc:ewvi7nxzyoun6zhxrhs64oi1',
    'did:plc:ewvi7nxzyoun6zhxrhs64oiz\n',
    'did:web:example.com:path',
    'did:web:example.com%3A8080',
    'did:web:example.com%2Fpath',
    'did:web:127.0.0.1',
    'did:web:localhost%3A0',
    'did:web:localhost%3A65536',
    'did:web:localhost%3A',
    'did:web:localhost:path',
    'did:web:single',
    'did:web:-bad.example.com',
    `did:web:${'a'.repeat(60).concat('.').repeat(5)}com`,
    'did:web:',
    'DID:plc:ewvi7nxzyoun6zhxrhs64oiz',
    'did:PLC:ewvi7nxzyoun6zhxrhs64oiz',
    'did:',
    '',
    'at://example.com',
  ])('refuses %s', did => {
    expect(() => parseDid(did)).toThrow(expect.objectContaining({ code: 'invalid_did' }))
  })

  it('names other methods as such', () => {
    expect(() => parseDid('did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc')).toThrow(
      expect.objectContaining({ code: 'unsupported_method', retryable: false }),
    )
  })

  it('throws nothing but IdentityError, whatever the text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map(end => `did:web:${end}`),
      fc.string().map(end => `did:plc:${end}`),
    )
    fc.assert(
      fc.property(text, did => {
        expect(outcome(did)).toSatisfy(result => result === did || result instanceof IdentityError)
      }),
    )
  })
})

function outcome(did: string): unknown {
  try {
    return parseDid(did).did
  } catch (error) {
    return error
  }
}
