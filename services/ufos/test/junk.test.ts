import { once } from 'node:events'
import { tidFromTimeUs } from '@orrery/repo'
import { waitFor } from '@orrery/testnet'
import { WebSocketServer } from 'ws'
import { expect, it } from 'vitest'
import { startTestUfos } from './harness.ts'

// A Jetstream that tells what it likes.

it('counts what can be counted of junk, invented collections by the thousand and times out of order', async () => {
  const nowUs = Date.now() * 1_000
  const hourUs = 3_600_000_000
  let sent = 0
  const commit = (collection: string, more: object = {}, timeUs = nowUs - 60_000_000 + sent++) =>
    JSON.stringify({
      did: 'did:plc:ewvi7nxzyoun6zhxrhs64oiz',
      time_us: timeUs,
      kind: 'commit',
      commit: {
        rev: tidFromTimeUs(nowUs + sent, 0),
        operation: 'create',
        collection,
        rkey: `r${sent}`,
        cid: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a',
        record: { $type: collection },
        ...more,
      },
    })
  const lines = [
    ...Array.from({ length: 3_000 }, (_, i) => commit(`invented.by.one.n${i}`)),
    ...['x', '', 'a.b', '..', '(other)', 'a.b.c/d', '\0.a.b'].map(nsid => commit(nsid)),
    'no json',
    '{}',
    '[]',
    'null',
    commit('no.record.here', { record: undefined, cid: undefined }),
    commit('null.record.here', { record: null }),
    commit('odd.operation.here', { operation: 'destroy' }),
    // Two hours ahead of anybody, and an hour ago after all else.
    commit('from.the.future', {}, nowUs + 2 * hourUs),
    commit('from.the.past', {}, nowUs - hourUs - 60_000_000),
    commit('invented.by.one.n1', {}, nowUs - 1_000_000),
  ]
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', socket => {
    for (const line of lines) socket.send(line)
  })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  try {
    await using ufos = await startTestUfos({
      source: `ws://127.0.0.1:${port}/subscribe`,
      'max-collections': '1000',
    })
    const known = () => ufos.get<{ storage: { collections: number }; other: { creates: number } }>('/meta')
    await waitFor(async () => (await known()).other.creates >= 2_000, { timeoutMs: 20_000 })
    await waitFor(async () => {
      const { collections } = await ufos.get<{ collections: { creates: number }[] }>('/collections', {
        order: 'records-created',
        limit: '1',
      })
      return collections[0]!.creates === 2
    })
    const { storage, other } = await known()
    expect(storage).toMatchObject({ collections: 1_000, max_collections: 1_000 })
    expect(other).toMatchObject({ dids_estimate: 1 })
    const { total } = await ufos.get<{ total: { creates: number; dids_estimate: number } }>('/totals')
    expect(total.dids_estimate).toBe(1)
    expect(total.creates).toBe(1_000 + 1 + other.creates)
    const collection = 'invented.by.one.n1'
    expect(await ufos.get('/records', { collection })).toHaveLength(2)
    expect(ufos.failures).toEqual([])
  } finally {
    for (const client of server.clients) client.terminate()
    server.close()
  }
})
