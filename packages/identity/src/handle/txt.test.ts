import { decode, encode } from 'dns-packet'
import { assert, nat, property, uint8Array } from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { packetOf, startDns, type TestDns } from '../../test/util/dns-server.ts'
import { errorOf } from '../../test/util/error-of.ts'
import { startServer, type TestServer } from '../../test/util/servers.ts'
import { createGuardedFetch, type GuardedFetch } from '../http/guarded-fetch.ts'
import { decodeTxtAnswer, encodeTxtQuestion } from './dns-message.ts'
import { createDohTxtLookup } from './doh.ts'
import { createDnsTxtLookup, type TxtLookup } from './txt.ts'

const never = new AbortController().signal
const long = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(100, 'x'))
let dns: TestDns
let doh: TestServer
let fetch: GuardedFetch
let dohStatus = 200

beforeAll(async () => {
  dns = await startDns()
  dns.names
    .set('one.test', ['did=did:plc:one'])
    .set('parts.test', [['did=did:', 'plc:', 'two']])
    .set('empty.test', [])
    .set('long.test', long)
    .set('broken.test', 'SERVFAIL')
    .set('refused.test', 'REFUSED')
    .set('silent.test', 'silence')
  // The same names over HTTPS, by an implementation of DNS that is not ours.
  doh = await startServer((request, response) => {
    const query = new URL(request.url!, 'http://x').searchParams.get('dns')!
    const question = decode(Buffer.from(query, 'base64url'))
    const name = question.questions![0]!.name
    const reply = dns.names.get(name)
    if (reply === 'silence') return
    response.writeHead(dohStatus, { 'content-type': 'application/dns-message' })
    response.end(encode(packetOf(question, name, reply)))
  })
  fetch = createGuardedFetch({ allowPrivateHosts: true, timeoutMs: 2_000 })
})
afterAll(async () => {
  await fetch[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
  await doh[Symbol.asyncDispose]()
})

const ways: Record<string, () => TxtLookup> = {
  'name servers': () => createDnsTxtLookup({ servers: [dns.address], timeoutMs: 500 }),
  HTTPS: () => createDohTxtLookup({ url: `${doh.url}/dns-query`, fetch, timeoutMs: 2_000 }),
}

describe.each(Object.keys(ways))('TXT records by %s', way => {
  it.each([
    ['one.test', ['did=did:plc:one']],
    ['parts.test', ['did=did:plc:two']],
    ['empty.test', []],
    ['missing.test', []],
    ['long.test', long],
  ])('of %s', async (name, records) => {
    expect((await ways[way]!()(name, never)).toSorted()).toEqual([...records].toSorted())
  })

  it.each(['broken.test', 'refused.test', 'silent.test'])(
    'of %s cannot be told, which passes',
    async name => {
      const error = await errorOf(ways[way]!()(name, never))
      expect(error.retryable).toBe(true)
    },
  )
})

it('what does not fit into a packet comes over TCP', () => {
  expect(dns.overTcp).toBeGreaterThan(0)
})

it('a look-up ends with its signal', async () => {
  const stop = new AbortController()
  const slow = createDnsTxtLookup({ servers: [dns.address], timeoutMs: 60_000 })
  const asking = errorOf(slow('silent.test', stop.signal))
  setTimeout(() => stop.abort(), 20)
  expect((await asking).code).toBe('aborted')
})

it('a resolver that fails, or answers something else, could not tell', async () => {
  dohStatus = 500
  expect((await errorOf(ways.HTTPS!()('one.test', never))).retryable).toBe(true)
  dohStatus = 200
  await using junk = await startServer((_request, response) => response.end('<html>'))
  const lookup = createDohTxtLookup({ url: junk.url, fetch })
  expect((await errorOf(lookup('one.test', never))).message).toContain('no DNS message')
})

it('any bytes are an answer or a RangeError', () => {
  const question = decode(Buffer.from(encodeTxtQuestion('a.example.com')))
  expect(question.questions).toEqual([{ name: 'a.example.com', type: 'TXT', class: 'IN' }])
  const sample = encode(packetOf(question, 'a.example.com', ['did=did:plc:x', ['a', 'b']]))
  expect(decodeTxtAnswer(sample)).toEqual({ rcode: 0, records: ['did=did:plc:x', 'ab'] })
  const isReader = (bytes: Uint8Array): boolean => {
    try {
      decodeTxtAnswer(bytes)
      return true
    } catch (error) {
      return error instanceof RangeError
    }
  }
  assert(property(uint8Array({ maxLength: 80 }), isReader))
  assert(
    property(nat(sample.length - 1), nat(255), nat(sample.length), (at, byte, end) => {
      const bent = Uint8Array.from(sample)
      bent[at] = byte
      return isReader(bent.subarray(0, end))
    }),
  )
})
