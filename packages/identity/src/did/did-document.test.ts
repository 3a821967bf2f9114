import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { IdentityError } from '../errors.ts'
import { parseDidDocument } from './did-document.ts'

const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const key = 'zQ3shPkJyX6ZanqXmNb2q7rqc2enkEGLdDUpvomMCQo91uhEk'
const pdsEntry = {
  id: '#atproto_pds',
  type: 'AtprotoPersonalDataServer',
  serviceEndpoint: 'https://pds.example.net',
}
const keyEntry = { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase: key }
const whole = {
  '@context': ['https://www.w3.org/ns/did/v1'],
  id: did,
  alsoKnownAs: ['at://alice.example.com'],
  verificationMethod: [keyEntry],
  service: [pdsEntry],
}
const found = { did, handle: 'alice.example.com', pds: 'https://pds.example.net', signingKey: key }

const fieldsOf = (document: unknown) => {
  const { document: _kept, ...fields } = parseDidDocument(did, document)
  return fields
}

describe('parseDidDocument', () => {
  it('reads a whole document, and keeps it', () => {
    expect(parseDidDocument(did, whole)).toEqual({ ...found, document: whole })
  })

  it('needs nothing but the id', () => {
    expect(fieldsOf({ id: did })).toEqual({ did })
  })

  it('takes relative and whole ids', () => {
    expect(
      fieldsOf({
        ...whole,
        verificationMethod: [{ ...keyEntry, id: '#atproto' }],
        service: [{ ...pdsEntry, id: `${did}#atproto_pds` }],
      }),
    ).toEqual(found)
  })

  it('does not take ids of others', () => {
    const other = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
    expect(
      fieldsOf({
        ...whole,
        verificationMethod: [
          { ...keyEntry, id: `${other}#atproto` },
          { ...keyEntry, id: '#atproto_label' },
        ],
        service: [
          { ...pdsEntry, id: `${other}#atproto_pds` },
          { ...pdsEntry, type: 'Other' },
        ],
      }),
    ).toEqual({ did, handle: found.handle })
  })

  it('passes over odd entries, and what it does not know', () => {
    expect(
      fieldsOf({
        '@context': 'https://www.w3.org/ns/did/v1',
        id: did,
        alsoKnownAs: [
          null,
          7,
          {},
          'https://example.com',
          'at://',
          'at://not valid',
          'at://alice.example.com',
          'at://b.test',
        ],
        verificationMethod: [
          null,
          'x',
          [],
          { id: '#atproto' },
          { id: '#atproto', type: 'Multikey', publicKeyMultibase: 5 },
          { ...keyEntry, controller: undefined },
          keyEntry,
        ],
        service: [
          null,
          'x',
          { id: '#atproto_pds' },
          { ...pdsEntry, serviceEndpoint: { a: 1 } },
          { ...pdsEntry, serviceEndpoint: 'nonsense' },
          pdsEntry,
        ],
      }),
    ).toEqual(found)
  })

  it('passes over lists that are none', () => {
    for (const odd of [null, 'x', 7, {}, { length: 2 }]) {
      expect(fieldsOf({ id: did, alsoKnownAs: odd, verificationMethod: odd, service: odd })).toEqual({ did })
    }
  })

  it('brings the handle to lower case', () => {
    expect(fieldsOf({ ...whole, alsoKnownAs: ['at://Alice.Example.COM'] }).handle).toBe('alice.example.com')
  })

  it.each([
    ['https://pds.example.net/', 'https://pds.example.net'],
    ['https://PDS.example.net/path?query#x', 'https://pds.example.net'],
    ['https://pds.example.net:443', 'https://pds.example.net'],
    ['http://localhost:2583', 'http://localhost:2583'],
    ['https://user:pw@pds.example.net', undefined],
    ['ftp://pds.example.net', undefined],
    ['javascript:alert(1)', undefined],
    ['', undefined],
  ])('makes of the endpoint %s the origin %s', (serviceEndpoint, pds) => {
    expect(fieldsOf({ ...whole, service: [{ ...pdsEntry, serviceEndpoint }] }).pds).toBe(pds)
  })

  it('converts a key in the older form', () => {
    const older = {
      id: '#atproto',
      type: 'EcdsaSecp256k1VerificationKey2019',
      controller: did,
      publicKeyMultibase:
        'zQYEBzXeuTM9UR3rfvNag6L3RNAs5pQZyYPsomTsgQhsxLdEgCrPTLgFna8yqCnxPpNT7DBk6Ym3dgPKNu86vt9GR',
    }
    expect(fieldsOf({ ...whole, verificationMethod: [older] }).signingKey).toBe(
      'zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF',
    )
  })

  it.each([
    null,
    undefined,
    7,
    'text',
    [],
    [whole],
    {},
    { id: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' },
    { id: [did] },
  ])('refuses what is no document of the DID: %j', document => {
    expect(() => parseDidDocument(did, document)).toThrow(
      expect.objectContaining({ code: 'invalid_document', did, retryable: false }),
    )
  })

  it('throws nothing but IdentityError, whatever the JSON', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          id: fc.oneof(fc.constant(did), fc.jsonValue()),
          alsoKnownAs: fc.oneof(
            fc.jsonValue(),
            fc.array(
              fc.oneof(
                fc.jsonValue(),
                fc.string().map(s => `at://${s}`),
              ),
            ),
          ),
          verificationMethod: fc.array(fc.oneof(fc.jsonValue(), oddEntry('#atproto'))),
          service: fc.array(fc.oneof(fc.jsonValue(), oddEntry('#atproto_pds'))),
        },
        { requiredKeys: [] },
      ),
    )
    fc.assert(
      fc.property(odd, json => {
        try {
          parseDidDocument(did, json)
          return true
        } catch (error) {
          return error instanceof IdentityError && error.code === 'invalid_document'
        }
      }),
      { numRuns: 300 },
    )
    expect(() =>
      parseDidDocument(did, JSON.parse(`{"id":"${did}","__proto__":{"service":[]}}`)),
    ).not.toThrow()
  })

  it('does not mind one odd entry before the good ones', () => {
    fc.assert(
      fc.property(fc.jsonValue(), odd => {
        expect(
          fieldsOf({
            ...whole,
            alsoKnownAs: [odd, ...whole.alsoKnownAs],
            verificationMethod: [odd, keyEntry],
            service: [odd, pdsEntry],
          }),
        ).toEqual(found)
      }),
    )
  })
})

function oddEntry(id: string) {
  return fc.record(
    {
      id: fc.constant(id),
      type: fc.oneof(
        fc.jsonValue(),
        fc.constantFrom('Multikey', 'AtprotoPersonalDataServer', 'EcdsaSecp256k1VerificationKey2019'),
      ),
      serviceEndpoint: fc.oneof(fc.jsonValue(), fc.webUrl(), fc.string()),
      publicKeyMultibase: fc.oneof(
        fc.jsonValue(),
        fc.string().map(text => `z${text}`),
      ),
    },
    { requiredKeys: ['id'] },
  )
}
