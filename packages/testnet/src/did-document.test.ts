import { describe, expect, it } from 'vitest'
import { loadCorpus } from './corpus.ts'
import { didDocument } from './did-document.ts'
import { SHARED_DATA_ABSENT } from './shared-data.ts'

describe('didDocument', () => {
  it('takes keys with and without did:key', () => {
    const parts = { did: 'did:plc:a', alsoKnownAs: [], services: {} }
    const bare = didDocument({ ...parts, keys: { atproto: 'zDnaeX' } })
    expect(didDocument({ ...parts, keys: { atproto: 'did:key:zDnaeX' } })).toEqual(bare)
    expect(bare['@context']).toContain('https://w3id.org/security/suites/ecdsa-2019/v1')
  })

  it('writes the documents of plc.directory', async context => {
    const corpus = await loadCorpus()
    context.skip(corpus === undefined, SHARED_DATA_ABSENT)
    for (const [did, document] of corpus?.didDocuments ?? []) {
      if (!did.startsWith('did:plc:')) continue
      const keys = document.verificationMethod.map(method => [
        method.id.split('#')[1],
        method.publicKeyMultibase,
      ])
      const services = document.service.map(({ id, type, serviceEndpoint }) => [
        id.slice(1),
        { type, url: serviceEndpoint },
      ])
      const { alsoKnownAs } = document
      const rebuilt = didDocument({
        did,
        alsoKnownAs,
        keys: Object.fromEntries(keys),
        services: Object.fromEntries(services),
      })
      expect(rebuilt).toEqual(document)
    }
  })
})
