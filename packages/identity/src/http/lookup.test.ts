import { createSocket } from 'node:dgram'

import { describe, expect, it } from 'vitest'

import { createDnsLookup, isNotFound, systemLookup } from './lookup.ts'

/** A name server that knows records by name and type (1 = A, 28 = AAAA); `null` stays silent, `undefined` is NXDOMAIN. */
async function startNameServer(records: Record<string, readonly number[][] | null>) {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (; query[at] !== 0; at += query[at]! + 1) {
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!))
    }
    const type = query.readUInt16BE(at + 1)
    const known = records[`${labels.join('.')}/${type}`]
    if (known === null) return
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(known?.length ?? 0, 6)
    const answers = (known ?? []).map(address =>
      Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, 0, address.length, ...address]),
    )
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), from.port, from.address)
  })
  await new Promise<void>(resolve => {
    socket.bind(0, '127.0.0.1', resolve)
  })
  return {
    lookup: createDnsLookup({ servers: [`127.0.0.1:${socket.address().port}`], timeoutMs: 500 }),
    [Symbol.dispose]: () => void socket.close(),
  }
}

const v6 = [0x26, 6, 0x47, 0, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11]

describe('createDnsLookup', () => {
  it('answers the addresses of both families', async () => {
    using server = await startNameServer({
      'both.test/1': [
        [93, 184, 216, 34],
        [93, 184, 216, 35],
      ],
      'both.test/28': [v6],
    })
    expect([...(await server.lookup('both.test'))].toSorted()).toEqual([
      '2606:4700:4700::1111',
      '93.184.216.34',
      '93.184.216.35',
    ])
  })

  it('is content with one family', async () => {
    using server = await startNameServer({ 'four.test/1': [[93, 184, 216, 34]], 'four.test/28': [] })
    expect(await server.lookup('four.test')).toEqual(['93.184.216.34'])
  })

  it('tells a name that does not exist, or has no address, from one that could not be asked', async () => {
    using server = await startNameServer({
      'empty.test/1': [],
      'empty.test/28': [],
      'half.test/1': [],
      'half.test/28': null,
    })
    expect(isNotFound(await server.lookup('none.test').catch((error: unknown) => error))).toBe(true)
    expect(isNotFound(await server.lookup('empty.test').catch((error: unknown) => error))).toBe(true)
    expect(isNotFound(await server.lookup('half.test').catch((error: unknown) => error))).toBe(false)
  })
})

describe('systemLookup', () => {
  it('knows the hosts file', async () => {
    expect(['127.0.0.1', '::1']).toContain((await systemLookup('localhost'))[0])
  })
})
