import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'

import { type DecodedPacket, decode, encode, type Packet, streamEncode } from 'dns-packet'

/** What the server says of a name: records of TXT (several strings each), a response code, or nothing at all. */
export type TxtReply = readonly (string | readonly string[])[] | 'SERVFAIL' | 'REFUSED' | 'silence'

/** A name server on loopback, over UDP and TCP, for TXT records. */
export type TestDns = AsyncDisposable & {
  /** `127.0.0.1:port`. */
  address: string
  /** By name, in lower case; a name that is not here does not exist. */
  names: Map<string, TxtReply>
  /** Asked where `names` has nothing. */
  otherwise: ((name: string) => Promise<TxtReply | undefined> | TxtReply | undefined) | undefined
  /** Names asked for, in order. */
  asked: string[]
  /** Of these, how many over TCP. */
  overTcp: number
}

/** More than this does not go over UDP without an agreement on more. */
const udpBytes = 512

export async function startDns(): Promise<TestDns> {
  const { udp, tcp } = await bindBoth()
  const dns: TestDns = {
    address: `127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    names: new Map(),
    otherwise: undefined,
    asked: [],
    overTcp: 0,
    async [Symbol.asyncDispose]() {
      udp.close()
      await new Promise(resolve => {
        tcp.close(resolve)
      })
    },
  }

  async function answer(bytes: Buffer): Promise<Packet | undefined> {
    const question = decode(bytes)
    const name = question.questions?.[0]?.name.toLowerCase() ?? ''
    dns.asked.push(name)
    const reply = dns.names.get(name) ?? (await dns.otherwise?.(name))
    return reply === 'silence' ? undefined : packetOf(question, name, reply)
  }

  udp.on('message', (bytes, from) => {
    void answer(bytes).then(packet => {
      if (!packet) return
      const whole = encode(packet)
      const truncated = { ...packet, answers: [], flags: (packet.flags ?? 0) | 0x200 }
      udp.send(whole.length > udpBytes ? encode(truncated) : whole, from.port, from.address)
    })
  })
  tcp.on('connection', socket => {
    socket.on('error', () => {})
    socket.once('data', (bytes: Buffer) => {
      dns.overTcp += 1
      void answer(bytes.subarray(2)).then(packet => packet && socket.end(streamEncode(packet)))
    })
  })
  return dns
}

/** A port that is free for one of the two may be taken for the other. */
async function bindBoth(tries = 10): Promise<{ udp: Socket; tcp: Server }> {
  const udp = createSocket('udp4')
  const tcp = createServer()
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  try {
    tcp.listen(udp.address().port, '127.0.0.1')
    await once(tcp, 'listening')
    return { udp, tcp }
  } catch (error) {
    udp.close()
    if (tries <= 1) throw error
    return bindBoth(tries - 1)
  }
}

/** The answer to a question. Response codes are the last four bits of the flags (RFC 1035, 4.1.1). */
export function packetOf(question: DecodedPacket, name: string, reply: TxtReply | undefined): Packet {
  const rcode = reply === undefined ? 3 : reply === 'SERVFAIL' ? 2 : reply === 'REFUSED' ? 5 : 0
  const records = typeof reply === 'object' ? reply : []
  return {
    type: 'response',
    id: question.id ?? 0,
    flags: 0x180 | rcode,
    questions: question.questions ?? [],
    answers: records.map(data => ({
      type: 'TXT' as const,
      name,
      ttl: 1,
      data: typeof data === 'string' ? data : [...data],
    })),
  }
}
