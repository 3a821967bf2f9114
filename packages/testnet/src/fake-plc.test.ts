import { describe, expect, it } from 'vitest'
import { didDocument } from './did-document.ts'
import { startFakePlc } from './fake-plc.ts'

const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const document = didDocument({
  did,
  alsoKnownAs: ['at://alice.test'],
  keys: { atproto: 'zQ3sh' },
  services: { atproto_pds: { type: 'AtprotoPersonalDataServer', url: 'https://pds.test' } },
})

describe('startFakePlc', () => {
  it('answers documents, unknown and given-up DIDs, and counts', async () => {
    await using plc = await startFakePlc(new Map([[did, document]]))
    const found = await fetch(`${plc.url}/${did}`)
    expect(found.headers.get('content-type')).toContain('application/did+ld+json')
    expect(await found.json()).toEqual(document)
    // Some clients escape the colons.
    expect((await fetch(`${plc.url}/${encodeURIComponent(did)}`)).status).toBe(200)
    expect((await fetch(`${plc.url}/did:plc:nobody`)).status).toBe(404)
    plc.tombstone(did)
    expect((await fetch(`${plc.url}/${did}`)).status).toBe(410)
    plc.forget(did)
    expect((await fetch(`${plc.url}/${did}`)).status).toBe(404)
    plc.set(document)
    expect((await fetch(`${plc.url}/${did}`)).status).toBe(200)
    expect(plc.requests.get(did)).toBe(5)
    expect(plc.requests.get('did:plc:nobody')).toBe(1)
  })

  it('fails, is slow or says nothing when told', async () => {
    await using plc = await startFakePlc(new Map([[did, document]]))
    plc.fail({ status: 503, times: 1 })
    expect((await fetch(`${plc.url}/${did}`)).status).toBe(503)
    expect((await fetch(`${plc.url}/${did}`)).status).toBe(200)

    plc.delay(60)
    const started = performance.now()
    await fetch(`${plc.url}/${did}`)
    expect(performance.now() - started).toBeGreaterThan(50)

    plc.fail({ status: 'silence' })
    const signal = AbortSignal.timeout(50)
    await expect(fetch(`${plc.url}/${did}`, { signal })).rejects.toThrow('timeout')
    plc.heal()
    expect((await fetch(`${plc.url}/${did}`)).status).toBe(200)
  })
})
