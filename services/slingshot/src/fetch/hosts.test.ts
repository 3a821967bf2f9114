import { createServer, type AddressInfo } from 'node:net'
import { createGuardedFetch, IdentityError } from '@orrery/identity'
import { expect, it } from 'vitest'
import { createHosts } from './hosts.ts'

it('who waits for a server is not sent to it any more once it is given up', async () => {
  await using stack = new AsyncDisposableStack()
  let connections = 0
  const dead = createServer(socket => {
    connections++
    socket.on('error', () => {})
  })
  await new Promise<void>(resolve => {
    dead.listen(0, '127.0.0.1', resolve)
  })
  stack.defer(() => void dead.close())
  const url = new URL(`http://127.0.0.1:${(dead.address() as AddressInfo).port}/x`)
  const fetch = stack.use(createGuardedFetch({ allowPrivateHosts: true, perHostConcurrency: 8 }))
  const hosts = createHosts(fetch, { maxUnderway: 1_000 })

  const asked = Array.from({ length: 60 }, async () => {
    try {
      await hosts.ask(url, { signal: AbortSignal.timeout(300), maxBytes: 100 })
      return 'answered'
    } catch (error) {
      return error instanceof IdentityError ? error.code : 'another'
    }
  })
  const codes = await Promise.all(asked)
  expect(new Set(codes)).toEqual(new Set(['timeout', 'unavailable']))
  // Those whose turn it was, and those who took the places of the first to fail.
  expect(connections).toBeLessThanOrEqual(16)
  expect(hosts.refusal(url.href)).toMatchObject({
    message: `the server ${url.host} keeps failing and is left alone`,
  })
  expect(hosts.refusal('not a url')).toBeUndefined()
  expect(hosts.refusal('http://127.0.0.1:1')).toBeUndefined()
})
