import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'

import { describe, expect, it } from 'vitest'

import { parseDidDocument } from '../src/did/did-document.ts'
import { tryDecodeBase58 } from '../src/did/base58.ts'
import { tryMultikey } from '../src/did/signing-key.ts'

// Data that lies beside the repository, if at all; it is not ours to copy.
const data = join(import.meta.dirname, '../../../../shared/data')
const documents = join(data, 'firehose/did_docs.json.zst')
const keys = join(data, 'atproto-interop-tests/crypto/signature-fixtures.json')

describe('documents of the network', () => {
  it('each name an account: handle, PDS and key', ctx => {
    if (!existsSync(documents)) ctx.skip('no ../shared/data/firehose/did_docs.json.zst')
    const byDid = JSON.parse(zstdDecompressSync(readFileSync(documents)).toString('utf8')) as Record<
      string,
      unknown
    >
    expect(Object.keys(byDid).length).toBeGreaterThan(0)
    for (const [did, document] of Object.entries(byDid)) {
      const identity = parseDidDocument(did, document)
      expect(identity).toMatchObject({
        did,
        handle: expect.stringMatching(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/),
        pds: expect.stringMatching(/^https:\/\/[a-z0-9.-]+$/),
        signingKey: expect.stringMatching(/^z(Q3s|Dn)/),
      })
      expect(identity.document).toBe(document)
      expect(tryDecodeBase58(identity.signingKey!.slice(1))).toHaveLength(35)
    }
  })
})

describe('keys of the interoperability tests', () => {
  it('are converted from the older form to that of did:key', ctx => {
    if (!existsSync(keys)) ctx.skip('no ../shared/data/atproto-interop-tests/crypto/signature-fixtures.json')
    type Fixture = { didDocSuite: string; publicKeyMultibase: string; publicKeyDid: string }
    for (const fixture of JSON.parse(readFileSync(keys, 'utf8')) as Fixture[]) {
      const { didDocSuite, publicKeyMultibase, publicKeyDid } = fixture
      expect(`did:key:${tryMultikey(didDocSuite, publicKeyMultibase)}`).toBe(publicKeyDid)
    }
  })
})
