import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { json, type ScriptedPds, startScriptedPds } from './scripted-pds.ts'
import { note, startWorld, type TestAccount, type World } from './world.ts'

const path = '/xrpc/com.bad-example.proxy.hydrateQueryResponse'

interface Hydrated {
  output: unknown
  records: Record<string, Record<string, unknown>>
  identifiers: Record<string, Record<string, unknown>>
}

let world: World
let service: ScriptedPds
let alice: TestAccount
let headers: Record<string, unknown>
beforeAll(async () => {
  world = await startWorld({ 'fetch-timeout': '1s' })
  service = await startScriptedPds()
  alice = world.account('alice')
  alice.write('a', 'one')
  alice.write('b', 'two')
  alice.write('gone', 'x')
  alice.delete('gone')
  await world.settled()
}, 30_000)
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await service[Symbol.asyncDispose]()
})
beforeEach(() => {
  service.requests.length = 0
  world.pds.requests.length = 0
  world.pds.answer = undefined
  headers = {}
})

/** The service answers this; its DID document is the one of the same server. */
function serve(status: number, output: unknown, endpoint = service.url): void {
  const did = `did:web:localhost%3A${service.port}`
  const document = { id: did, service: [{ id: '#svc', type: 'X', serviceEndpoint: endpoint }] }
  service.answer = (request, response) => {
    headers = request.headers
    const isDocument = request.url === '/.well-known/did.json'
    json(isDocument ? 200 : status, isDocument ? document : output)(request, response)
  }
}

const ask = (
  sources: readonly { path: string; shape: string }[],
  more: object = {},
): Promise<{ status: number; body: Hydrated & { error?: string } }> =>
  world.slingshot.post(path, {
    xrpc: 'com.example.list',
    atproto_proxy: `did:web:localhost%3A${service.port}#svc`,
    hydration_sources: sources,
    params: {},
    ...more,
  })
const parts = (rkey: string): object => ({ did: alice.did, collection: note, rkey })

describe('what is found', () => {
  it('at-uri-parts, each once, beside the untouched output', async () => {
    const output = { total: 3, records: [parts('a'), parts('b'), parts('a'), parts('gone')], cursor: 'x' }
    serve(200, output)
    const { status, body } = await ask([{ path: 'records[]', shape: 'at-uri-parts' }], {
      params: { subject: 'at://x', limit: 3, did: ['a', 'b'], flag: true },
    })
    expect(status).toBe(200)
    expect(body.output).toEqual(output)
    expect(Object.keys(body.records)).toEqual(['a', 'b', 'gone'].map(rkey => alice.uri(rkey)))
    expect(body.records[alice.uri('a')]).toMatchObject({
      status: 'found',
      uri: alice.uri('a'),
      cid: expect.stringMatching(/^bafy/),
      value: { text: 'one' },
    })
    expect(body.records[alice.uri('gone')]).toEqual({
      status: 'error',
      reason: 'RecordNotFound: This record was deleted',
      shouldRetry: false,
    })
    expect(service.requests.at(-1)).toBe(
      '/xrpc/com.example.list?subject=at%3A%2F%2Fx&limit=3&did=a&did=b&flag=true',
    )
    expect(world.pds.requests).toEqual([])
  })

  it('strong refs, plain URIs, and identifiers, deep and in lists of lists', async () => {
    serve(200, {
      feed: [
        { post: { uri: alice.uri('a'), cid: 'x' }, by: [alice.did, alice.handle, 'nobody'] },
        { post: alice.uri('b'), by: [] },
        { post: 7 },
      ],
      pinned: { uri: alice.uri('a') },
    })
    const { body } = await ask([
      { path: 'feed[].post', shape: 'strong-ref' },
      { path: 'pinned.uri', shape: 'at-uri' },
      { path: 'feed[].by[]', shape: 'at-identifier' },
    ])
    expect(Object.keys(body.records)).toEqual([alice.uri('a'), alice.uri('b')])
    expect(body.identifiers).toEqual({
      [alice.did]: expect.objectContaining({ status: 'found', handle: alice.handle }),
      [alice.handle]: expect.objectContaining({ status: 'found', did: alice.did }),
    })
  })

  it('nothing, where the path leads nowhere or to something else', async () => {
    serve(200, { records: { not: 'a list' }, __proto__: { x: 1 } })
    for (const source of [
      'missing[]',
      'records[]',
      'a.b.c',
      'records.not',
      '[]',
      '..',
      'constructor',
      '__proto__',
    ]) {
      const { status, body } = await ask([{ path: source, shape: 'at-uri' }])
      expect([status, body.records, body.identifiers]).toEqual([200, {}, {}])
    }
  })

  it('not all within the deadline: the rest is pending, with where to get it', async () => {
    const bob = world.account('bob')
    for (let i = 0; i < 3; i++) bob.writeInSilence(`x${i}`, 'cold')
    serve(200, { uris: [alice.uri('a'), ...[0, 1, 2].map(i => bob.uri(`x${i}`))] })
    const release = world.pds.hold()
    const { status, body } = await ask([{ path: 'uris[]', shape: 'at-uri' }])
    release()
    expect(status).toBe(200)
    expect(body.records[alice.uri('a')]!.status).toBe('found')
    const late = body.records[bob.uri('x0')]!
    expect(['pending', 'error']).toContain(late.status)
    const followed = await world.slingshot.ask(late.followUp as string)
    expect([followed.status, followed.body.uri]).toEqual([200, bob.uri('x0')])
  })

  it('of more than 200 the first, and the rest is pending', async () => {
    serve(200, { uris: Array.from({ length: 205 }, (_, i) => alice.uri(`missing${i}`)) })
    const { body } = await ask([{ path: 'uris[]', shape: 'at-uri' }])
    const statuses = Object.values(body.records).map(record => record.status)
    expect(statuses.length).toBe(205)
    expect(statuses.slice(200)).toEqual(Array.from({ length: 5 }, () => 'pending'))
  })
})

describe('the service', () => {
  const none = [{ path: 'x', shape: 'at-uri' }]

  it('is given the headers that it is asked with, and nothing else', async () => {
    serve(200, {})
    await ask(none, { authorization: 'Bearer x', atproto_accept_labelers: 'did:web:l' })
    expect(headers).toMatchObject({ authorization: 'Bearer x', 'atproto-accept-labelers': 'did:web:l' })
    await ask(none)
    expect(headers.authorization).toBeUndefined()
  })

  it('that refuses is a refusal, one that fails is a 502', async () => {
    serve(400, { error: 'BadCursor', message: 'no such cursor' })
    expect(await ask(none)).toMatchObject({ status: 400, body: { error: 'BadCursor' } })
    serve(500, { error: 'X', message: 'y' })
    expect(await ask(none)).toMatchObject({ status: 502, body: { error: 'UpstreamFailure' } })
    serve(200, '<html>')
    expect(await ask(none)).toMatchObject({ status: 502 })
  })

  it('may not send us elsewhere with a client’s headers', async () => {
    serve(200, {})
    const { answer } = service
    service.answer = (request, response) =>
      request.url?.startsWith('/xrpc/')
        ? void response.writeHead(302, { location: world.pds.url }).end()
        : answer!(request, response)
    expect(await ask(none, { authorization: 'Bearer x' })).toMatchObject({ status: 502 })
    expect(world.pds.requests).toEqual([])
  })

  it.each([
    [{ xrpc: '../../x' }, 'xrpc'],
    [{ atproto_proxy: 'did:web:x' }, 'atproto_proxy'],
    [{ atproto_proxy: 'x#y' }, 'atproto_proxy'],
    [{ hydration_sources: Array.from({ length: 11 }, () => none[0]) }, 'hydration_sources'],
    [{ hydration_sources: [{ path: 'x', shape: 'y' }] }, 'shape'],
    [{ params: { a: { b: 1 } } }, 'params'],
    [{ authorization: 'a\r\nb: c' }, 'authorization'],
  ])('%j is a 400', async (change, name) => {
    serve(200, {})
    expect(await ask(none, change)).toMatchObject({
      status: 400,
      body: { error: 'InvalidRequest', message: expect.stringContaining(name) },
    })
  })

  it('that the document does not name is a 400', async () => {
    serve(200, {})
    const unknown = { atproto_proxy: `did:web:localhost%3A${service.port}#other` }
    expect(await ask(none, unknown)).toMatchObject({ status: 400, body: { error: 'ServiceNotFound' } })
  })
})

describe('many at once', () => {
  type Records = { records: { status: string; uri: string; value?: { text: string }; error?: string }[] }
  const post = (uris: unknown): Promise<{ status: number; body: Records }> =>
    world.slingshot.post('/records', { uris })

  it('are found, missing or in error, in their order', async () => {
    world.pds.answer = (request, response) =>
      request.url?.includes('fails')
        ? json(500, '')(request, response)
        : json(400, { error: 'RecordNotFound', message: 'no' })(request, response)
    const uris = [
      alice.uri('b'),
      alice.uri('gone'),
      alice.uri('fails'),
      alice.uri('never'),
      'at://x',
      alice.uri('a'),
    ]
    const { status, body } = await post(uris)
    expect(status).toBe(200)
    expect(body.records.map(record => [record.status, record.value?.text ?? record.error])).toEqual([
      ['found', 'two'],
      ['missing', 'RecordNotFound'],
      ['error', 'UpstreamFailure'],
      ['missing', 'RecordNotFound'],
      ['error', 'InvalidRequest'],
      ['found', 'one'],
    ])
    expect(body.records.map(record => record.uri)).toEqual(uris)
    expect(body.records[0]).toMatchObject({ verified: true })
  })

  it('are a hundred at the most, and none are fine', async () => {
    expect((await post(Array.from({ length: 101 }, () => alice.uri('a')))).status).toBe(400)
    expect((await post(Array.from({ length: 100 }, () => alice.uri('a')))).body.records.length).toBe(100)
    expect(await post([])).toEqual({ status: 200, body: { records: [] } })
  })

  it('have one deadline', async () => {
    const dan = world.account('dan')
    dan.writeInSilence('x', 'cold')
    const release = world.pds.hold()
    const startedAt = performance.now()
    const { body } = await post([alice.uri('a'), dan.uri('x')])
    release()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(body.records.map(record => record.status)).toEqual(['found', 'error'])
  })
})
