import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cidOf, encodeCbor, valueFromJson } from '@orrery/repo'
import { type Client, refusedUpgrade, subscribe } from './harness.ts'
import { likes, startWorld, type World } from './world.ts'

// The wire, by the sections of the contract. What is pure of it is tested beside its source: the truth table (3) in
// src/subscribe/filter.test.ts, sources (5) in src/changes.test.ts, the delay (7) in src/store/delay.test.ts.

let world: World
beforeAll(async () => {
  world = await startWorld({ delay: '3s' })
})
afterAll(() => world[Symbol.asyncDispose]())

const post = (name: string): string => `at://did:plc:${name}/app.bsky.feed.post/1`
const only = (subject: string): string => `wantedSubjects=${encodeURIComponent(subject)}`
const url = (query: string): string => world.spacedust.subscribeUrl(query)
const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${world.spacedust.service.url}${path}`, init)

describe('1 HTTP', () => {
  it.each([
    ['/', 'text/html'],
    ['/openapi', 'application/json'],
    ['/favicon.ico', 'image/x-icon'],
  ])('GET %s is %s', async (path, type) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('/openapi describes all parameters', async () => {
    const document = (await (await get('/openapi')).json()) as {
      info: { title: string }
      paths: { '/subscribe': { get: { parameters: { name: string }[] } } }
    }
    expect(document.info.title).toBe('Spacedust')
    const names = document.paths['/subscribe'].get.parameters.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['wantedSubjects', 'wantedSources', 'instant', 'cursor']))
  })

  it('errors are JSON that browsers may read, with a request’s id [BUG: no CORS on errors]', async () => {
    for (const [path, status, init] of [
      ['/nowhere', 404, {}],
      ['/subscribe', 405, { method: 'POST' }],
      ['/subscribe', 400, {}],
    ] as const) {
      const response = await get(path, init)
      expect(response.status).toBe(status)
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      const id = response.headers.get('x-request-id')
      expect(id).toBeTruthy()
      expect(await response.json()).toMatchObject({ request_id: id, message: expect.any(String) as string })
    }
  })

  it('the query is looked at first, then the upgrade', async () => {
    const message = async (path: string): Promise<string> =>
      ((await (await get(path)).json()) as { message: string }).message
    expect(await message('/subscribe?instant=perhaps')).toMatch(/^unable to parse query string: /)
    expect(await message('/subscribe')).toBe('expected connection upgrade')
  })

  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
  it.each([
    [{ connection: 'keep-alive' }, 'expected connection upgrade'],
    [{ connection: 'Upgrade', upgrade: 'h2c' }, 'unexpected protocol for upgrade'],
    [{ ...upgrade, 'sec-websocket-version': '8' }, 'missing or invalid websocket version'],
    [{ ...upgrade, 'sec-websocket-version': '13' }, 'missing websocket key'],
  ])('an upgrade with %j is refused: %s', async (headers, why) => {
    const asked = request(`${world.spacedust.service.url}/subscribe`, { headers, agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(400)
    expect(await json(response)).toMatchObject({ message: why })
  })
})

describe('2 parameters', () => {
  it.each([
    ['instant=1', /instant is "1"/],
    ['instant=true&instant=true', /instant is there twice/],
    ['wantedSources[0]=a&wantedSources[2]=b', /a gap in its indices/],
    ['wantedAuthors=somebody', /wantedAuthors: "somebody" is not a DID/],
  ])('%s is refused', async (query, why) => {
    const { status, message } = await refusedUpgrade(url(query))
    expect(status).toBe(400)
    expect(message).toMatch(/^unable to parse query string: /)
    expect(message).toMatch(why)
  })

  it('limits hold at the door too [BUG]', async () => {
    const prefixes = (count: number): string =>
      Array.from({ length: count }, (_, i) => `wantedSubjectPrefixes=a${i}`).join('&')
    using _ = await subscribe(url(prefixes(100)))
    const { status, message } = await refusedUpgrade(url(prefixes(101)))
    expect([status, message]).toEqual([
      400,
      'unable to parse query string: too many wantedSubjectPrefixes: at most 100',
    ])
  })
})

describe('4 events', () => {
  it('one text frame for each link, with exactly these fields in this order', async () => {
    using client = await subscribe(url(`instant=true&${only(post('four'))}`))
    const rkey = world.like(0, post('four'))
    await client.count(1)
    const [{ data, isBinary }] = client.messages as [(typeof client.messages)[number]]
    const rev = client.events[0]!.link.source_rev
    expect(isBinary).toBe(false)
    expect(data.toString()).toBe(
      `{"kind":"link","origin":"live","link":{"operation":"create","source":"${likes}:subject.uri",` +
        `"source_record":"at://${world.did(0)}/${likes}/${rkey}","source_rev":"${rev}","subject":"${post('four')}"}}`,
    )
    expect(rev).toMatch(/^[2-7a-j][2-7a-z]{12}$/)
  })

  it('a changed record’s links come again, all of them; changes alone to who asks [GAP]', async () => {
    const filter = `instant=true&wantedSubjectPrefixes=${encodeURIComponent('at://did:plc:again')}`
    using old = await subscribe(url(filter))
    using changes = await subscribe(url(`${filter}&wantedOperations=create&wantedOperations=delete`))
    const collection = 'com.example.list'
    const record = (...names: string[]) => ({
      $type: collection,
      items: names.map(name => post(`again${name}`)),
    })
    world.commit(1, { action: 'create', collection, rkey: 'l', record: record('a', 'b') })
    world.commit(1, { action: 'update', collection, rkey: 'l', record: record('b', 'c') })
    world.commit(1, { action: 'delete', collection, rkey: 'l' })
    await old.count(4)
    await changes.count(6)
    const short = (client: typeof old): string[] =>
      client.events.map(({ link }) => `${link.operation} ${link.subject.at(18)}`)
    expect(short(old)).toEqual(['create a', 'create b', 'create b', 'create c'])
    expect(short(changes)).toEqual(['create a', 'create b', 'delete a', 'create c', 'delete b', 'delete c'])
    const revs = changes.events.map(({ link }) => link.source_rev)
    expect(revs[0]! < revs[2]! && revs[2] === revs[3] && revs[3]! < revs[4]!).toBe(true)
  })

  it('links of one record in document order [BUG]', async () => {
    using client = await subscribe(url('instant=true&wantedSourceCollections=com.example.order'))
    const collection = 'com.example.order'
    const record = { $type: collection, z: post('a'), m: [post('c'), post('b')], a: post('z') }
    world.commit(1, { action: 'create', collection, rkey: 'o', record })
    await client.count(4)
    expect(client.events.map(({ link }) => link.subject)).toEqual(['z', 'c', 'b', 'a'].map(post))
  })
})

describe('6 what is a link', () => {
  it('whole strings that are AT-URIs, DIDs or other URIs, in their normal form; nothing else', async () => {
    const collection = 'com.example.six'
    using client = await subscribe(url(`instant=true&wantedSourceCollections=${collection}`))
    const record = {
      $type: collection,
      a: 'AT://did:plc:six/app.bsky.feed.post/1/',
      b: 'did:plc:six',
      c: ['HTTPS://Example.COM/a/../%7Eb', 'mailto:a@b', 'note:hello'],
      d: ['at', 'see did:plc:six', '2026-01-01T00:00:00Z', 'image/png', 5, null, true],
    }
    const { link } = { link: cidOf(encodeCbor(1)) }
    world.commit(0, { action: 'create', collection, rkey: 's', record: { ...record, e: link } })
    // What is in one record twice, at one place or at several, comes each time.
    const ref = { uri: post('twice') }
    const reply = { reply: { parent: ref, root: ref }, list: ['did:plc:x', 'did:plc:x'] }
    world.commit(0, { action: 'create', collection, rkey: 't', record: { $type: collection, ...reply } })
    await client.count(9)
    expect(client.events.map(event => [event.link.source.split(':')[1], event.link.subject])).toEqual([
      ['a', 'at://did:plc:six/app.bsky.feed.post/1'],
      ['b', 'did:plc:six'],
      ['c[]', 'https://example.com/~b'],
      ['c[]', 'mailto:a@b'],
      ['c[]', 'note:hello'],
      ['list[]', 'did:plc:x'],
      ['list[]', 'did:plc:x'],
      ['reply.parent.uri', post('twice')],
      ['reply.root.uri', post('twice')],
    ])
  })
})

describe('7 delay', () => {
  it('by default links are held, and what is undone meanwhile never shows', async () => {
    const subjects = `${only(post('held'))}&wantedOperations=create&wantedOperations=delete`
    using instant = await subscribe(url(`${subjects}&instant=true`))
    using delayed = await subscribe(url(subjects))
    const gone = world.like(0, post('held'))
    world.like(1, post('held'))
    await instant.count(2)
    world.unlike(0, gone)
    await instant.count(3)
    expect(delayed.messages).toHaveLength(0)
    await delayed.count(1)
    expect(delayed.events[0]!.link.source_record).toContain(world.did(1))
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(delayed.messages).toHaveLength(1)
  })

  it('who connects gets what is held then, as it comes out', async () => {
    using instant = await subscribe(url(`instant=true&${only(post('late'))}`))
    world.like(0, post('late'))
    await instant.count(1)
    using delayed = await subscribe(url(only(post('late'))))
    expect(delayed.messages).toHaveLength(0)
    await delayed.count(1)
  })
})

describe('8 options_update', () => {
  const update = (payload: unknown) => ({ type: 'options_update', payload })

  it('replaces the whole filter', async () => {
    using client = await subscribe(url(`instant=true&${only(post('before'))}`))
    using witness = await subscribe(url('instant=true&wantedSubjectPrefixes=at://did:plc:eight'))
    client.send(update({ wantedSubjects: [post('eight')] }))
    client.socket.ping()
    await once(client.socket, 'pong')
    world.like(0, post('before'))
    world.like(0, post('eight'))
    await witness.count(1)
    await client.count(1)
    expect(client.events.map(({ link }) => link.subject)).toEqual([post('eight')])
    client.send(update({}))
    client.socket.ping()
    await once(client.socket, 'pong')
    world.like(0, post('anything'))
    await client.count(2)
  })

  it.each([
    ['not json', 1007, /not JSON/],
    ['{"type":"hello","payload":{}}', 1007, /its type is not options_update/],
    ['{"type":"options_update"}', 1007, /payload is not an object/],
    ['{"type":"options_update","payload":{"wantedSubjects":null}}', 1007, /wantedSubjects is not a list/],
    [
      JSON.stringify(update({ wantedSubjectPrefixes: Array.from({ length: 101 }, (_, i) => `a${i}`) })),
      1008,
      /too many wantedSubjectPrefixes: at most 100/,
    ],
  ])('%.50s closes with a reason [BUG: none]', async (text, code, why) => {
    using client = await subscribe(url(only(post('nobody'))))
    client.send(text)
    const closed = await client.closed
    expect(closed.code).toBe(code)
    expect(closed.reason).toMatch(why)
  })

  it('takes 50,000 subjects, and is not disturbed by binary frames', async () => {
    using client = await subscribe(url(`instant=true&${only(post('nobody'))}`))
    client.socket.send(Buffer.from('whatever'))
    client.send(update({ wantedSubjects: Array.from({ length: 50_000 }, (_, i) => post(`many${i}`)) }))
    client.socket.ping()
    await once(client.socket, 'pong')
    world.like(0, post('many49999'))
    await client.count(1)
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it('lets links begin where a hello is asked for [GAP: idle mode]', async () => {
    using client = await subscribe(url('instant=true&requireHello=true'))
    using witness = await subscribe(url(`instant=true&${only(post('hello'))}`))
    world.like(0, post('hello'))
    await witness.count(1)
    expect(client.messages).toHaveLength(0)
    client.send(update({ wantedSubjects: [post('hello')] }))
    client.socket.ping()
    await once(client.socket, 'pong')
    world.like(1, post('hello'))
    await client.count(1)
    expect(client.events[0]!.link.source_record).toContain(world.did(1))
  })
})

describe('9 liveness', () => {
  it('pongs that nobody asked for are no reason to drop a client [BUG]', async () => {
    using client = await subscribe(url(`instant=true&${only(post('pong'))}`))
    for (const payload of ['', 'unasked', 'again']) client.socket.pong(payload)
    client.socket.ping('mine')
    const [answer] = (await once(client.socket, 'pong')) as [Buffer]
    expect(answer.toString()).toBe('mine')
    world.like(0, post('pong'))
    await client.count(1)
  })

  it('no extension is agreed to, whatever is offered', async () => {
    using client = await subscribe(url('instant=true&requireHello=true'))
    expect(client.socket.extensions).toBe('')
  })
})

describe('replay [GAP]', () => {
  it('begins at a cursor, says so until it has caught up, and goes on live; times and compression on request', async () => {
    using first = await subscribe(url(`instant=true&fields=time_us&${only(post('replay'))}`))
    for (let i = 0; i < 3; i++) world.like(i, post('replay'))
    await first.count(3)
    const times = first.events.map(({ time_us }) => time_us!)
    expect(times.toSorted((a, b) => a - b)).toEqual(times)
    using second = await subscribe(
      url(`instant=true&fields=time_us&cursor=${times[1]}&compress=true&${only(post('replay'))}`),
    )
    await second.count(2)
    world.like(3, post('replay'))
    await first.count(4)
    await second.count(3)
    expect(second.messages.every(({ isBinary }) => isBinary)).toBe(true)
    const lines = second.messages.map(({ data }) => zstdDecompressSync(data).toString())
    const wanted = first.lines.slice(1)
    expect(lines).toEqual(wanted.map((line, i) => (i < 2 ? line.replace('"live"', '"replay"') : line)))
  })

  it('the record and its CID on request: live, held, and in a replay; not of links that are gone', async () => {
    const asked = `fields=cid,record&wantedOperations=create&wantedOperations=delete`
    const filter = `${asked}&wantedSourceCollections=com.example.body`
    using instant = await subscribe(url(`instant=true&${filter}`))
    using held = await subscribe(url(filter))
    const collection = 'com.example.body'
    const record = (name: string) => ({ $type: collection, text: `zwei\nZeilen`, to: post(name) })
    world.commit(0, { action: 'create', collection, rkey: 'b', record: record('body1') })
    await held.count(1)
    world.commit(0, { action: 'update', collection, rkey: 'b', record: record('body2') })
    world.commit(0, {
      action: 'create',
      collection,
      rkey: 'large',
      record: { ...record('body3'), x: 'x'.repeat(20_000) },
    })
    await instant.count(4)
    await held.count(4)
    using replay = await subscribe(url(`instant=true&cursor=0&${filter}`))
    await replay.count(4)
    const bodies = (client: Client) =>
      client.events.map(({ link, cid, record: body }) => [
        link.operation,
        link.subject.slice(13, 18),
        cid,
        body,
      ])
    const cidOfBody = (name: string): string => cidOf(encodeCbor(valueFromJson(record(name)))).toString()
    const wanted = [
      ['create', 'body1', cidOfBody('body1'), record('body1')],
      ['delete', 'body1', undefined, undefined],
      ['create', 'body2', cidOfBody('body2'), record('body2')],
      ['create', 'body3', undefined, undefined],
    ]
    for (const client of [instant, held, replay]) expect(bodies(client)).toEqual(wanted)
  })

  it('a heartbeat tells where to come back to', async () => {
    using client = await subscribe(url(`instant=true&heartbeat=1&${only(post('nobody'))}`))
    world.like(0, post('heart'))
    await client.count(1)
    const { kind, time_us } = client.events[0]!
    expect(kind).toBe('cursor')
    expect(Math.abs(time_us! / 1000 - Date.now())).toBeLessThan(60_000)
  })

  it('a cursor of the future is one of now', async () => {
    using client = await subscribe(
      url(`instant=true&cursor=${(Date.now() + 3_600_000) * 1000}&${only(post('future'))}`),
    )
    world.like(0, post('future'))
    await client.count(1)
    expect(client.events[0]!.origin).toBe('live')
  })
})

it('account deletion tells what the account linked to', async () => {
  using client = await subscribe(
    url(`instant=true&wantedAuthors=${world.did(2)}&wantedOperations=create&wantedOperations=delete`),
  )
  const keys = [world.like(2, post('x')), world.like(2, post('y'))]
  await client.count(2)
  world.deleteAccount(2)
  await client.count(keys.length * 2)
  const gone = client.events.filter(({ link }) => link.operation === 'delete')
  expect(gone.map(({ link }) => link.source_record)).toEqual(
    expect.arrayContaining(keys.map(key => expect.stringContaining(key) as string)),
  )
})
