import { expect, it } from 'vitest'
import { createEncodings, type Field, type Origin } from './encoding.ts'
import { formatSource } from '@orrery/links'
import { type LinkEntry, lineOf, sourceOf } from './entry.ts'

const entry: LinkEntry = {
  timeUs: 1_767_225_600_000_000,
  operation: 'create',
  instant: 1,
  delayed: 1,
  source: 'app.bsky.feed.like:subject.uri',
  did: 'did:plc:liker',
  rkey: '3lv4ouczo2b2a',
  rev: '3lv4oucxyz22k',
  subject: 'at://did:plc:author/app.bsky.feed.post/3lgwdn7vd722r',
}

// Contract, section 4: exactly these fields, in this order.
const line =
  '{"kind":"link","origin":"live","link":{"operation":"create","source":"app.bsky.feed.like:subject.uri",' +
  '"source_record":"at://did:plc:liker/app.bsky.feed.like/3lv4ouczo2b2a","source_rev":"3lv4oucxyz22k",' +
  '"subject":"at://did:plc:author/app.bsky.feed.post/3lgwdn7vd722r"}}'

it('is the reference’s line', () => {
  expect(lineOf(entry)).toBe(line)
})

it('has sources as links have them', () => {
  for (const path of ['.a.b', '.', '..', '[].a', ''])
    expect(sourceOf('a.b.c', path)).toBe(formatSource('a.b.c', path))
})

it('escapes what keys of records have in them', () => {
  const source = 'a.b.c:k"e\\y\n\u2028é'
  expect(JSON.parse(lineOf({ ...entry, source }))).toMatchObject({ link: { source } })
})

const encodingFor = createEncodings(async positions =>
  positions.map(at => (at === entry.timeUs ? { cid: 'bafyone', json: '{"a":1}' } : undefined)),
)

it('is sent with its record and the record’s CID to who asks, where they are kept', async () => {
  const encode = async (position: number, fields: Field[]) =>
    (await encodingFor('live', fields, false)!.encode([Buffer.from(line)], [position])).join('')
  expect(await encode(entry.timeUs, ['time_us', 'cid', 'record'])).toBe(
    line.replace('"live"', `"live","time_us":${entry.timeUs},"cid":"bafyone","record":{"a":1}`),
  )
  expect(await encode(entry.timeUs, ['cid'])).toBe(line.replace('"live"', '"live","cid":"bafyone"'))
  expect(await encode(1, ['cid', 'record'])).toBe(line)
  expect(() => createEncodings(undefined)('live', ['record'], false)).toThrow(
    'fields: this server keeps no records',
  )
})

it('is sent with its origin, and with its time to who asks; a heartbeat stays as it is', async () => {
  expect(encodingFor('live', [], false)).toBeUndefined()
  const encode = async (text: string, origin: Origin, fields: Field[]) =>
    (await encodingFor(origin, fields, false)!.encode([Buffer.from(text)], [entry.timeUs])).join('')
  expect(await encode(line, 'replay', [])).toBe(line.replace('live', 'replay'))
  expect(await encode(line, 'live', ['time_us'])).toBe(
    line.replace('"live"', `"live","time_us":${entry.timeUs}`),
  )
  expect(await encode(line, 'replay', ['time_us'])).toBe(
    line.replace('"live"', `"replay","time_us":${entry.timeUs}`),
  )
  const heartbeat = '{"kind":"cursor","time_us":5}'
  expect(await encode(heartbeat, 'replay', ['time_us'])).toBe(heartbeat)
})
