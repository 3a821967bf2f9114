import { createDnsTxtLookup } from '@orrery/identity'
import { expect, it } from 'vitest'
import { startHandleDns } from './demo-dns.ts'

it('answers for handles as their DNS does, whatever the case, and for nothing else', async () => {
  const asked: string[] = []
  await using dns = await startHandleDns(handle => {
    asked.push(handle)
    return Promise.resolve(handle === 'alice.test' ? 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' : undefined)
  })
  const { signal } = new AbortController()
  const lookup = createDnsTxtLookup({ servers: [dns.address] })
  expect(await lookup('_atproto.Alice.test', signal)).toEqual(['did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'])
  expect(await lookup('_atproto.bob.test', signal)).toEqual([])
  expect(await lookup('alice.test', signal)).toEqual([])
  expect(asked).toEqual(['alice.test', 'bob.test'])
})
