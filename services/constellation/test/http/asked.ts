import { connect } from 'node:net'
import type { Endpoint } from '../../src/routes/endpoint.ts'
import { did, likes, recordKey, subject } from '../../src/store/testing/test-index.ts'

/** A value for every parameter that some endpoint cannot do without, all of them of one index. */
export const good: Readonly<Record<string, string>> = {
  subject,
  source: 'app.bsky.feed.like:subject.uri',
  target: subject,
  collection: likes.collection,
  path: likes.path,
  pathToOther: 'list',
  did: did('a'),
  uri: `at://${did('a')}/${likes.collection}/${recordKey('a1').rkey}`,
}

/** What an endpoint requires, well-formed. */
export function goodQuery({ params }: Pick<Endpoint, 'params'>): URLSearchParams {
  return new URLSearchParams(params.filter(param => param.required).map(({ name }) => [name, good[name]!]))
}

export interface RawAnswer {
  /** 0 where the connection ended without an answer. */
  status: number
  text: string
}

/** Sends bytes as they are and reads to the end of the connection, which they should ask for. Rejects where that takes too long. */
export function sendRaw(url: string, bytes: string | Buffer, timeoutMs = 10_000): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer after ${timeoutMs} ms: ${Buffer.concat(chunks).toString()}`))
    }, timeoutMs)
    socket.on('data', chunk => chunks.push(chunk as Buffer))
    // A server that has read enough may cut the connection.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      const text = Buffer.concat(chunks).toString()
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text })
    })
  })
}

/** A `GET` of these bytes as its address, over a connection of its own. */
export function getRaw(url: string, address: string, encoding: BufferEncoding = 'utf8'): Promise<RawAnswer> {
  const head = `GET ${address} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`
  return sendRaw(url, Buffer.from(head, encoding))
}
