import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a request is answered instead. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A PDS that answers `com.atproto.repo.getRecord` from what it is given, or as it is told. */
export interface ScriptedPds extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** By `did/collection/rkey`. */
  readonly records: Map<string, { cid: string; value: unknown }>
  /** Every path that was asked for, in order. */
  readonly requests: string[]
  /** Instead of all else. */
  answer: Answer | undefined
  /** From now on answers are made at once, and sent only when what this returns is called. */
  hold(): () => void
}

export async function startScriptedPds(): Promise<ScriptedPds> {
  const records: ScriptedPds['records'] = new Map()
  const requests: string[] = []
  let gate = Promise.resolve()
  const server = createServer((request, response) => {
    response.on('error', () => {})
    requests.push(request.url ?? '')
    if (pds.answer) return pds.answer(request, response)
    const { searchParams } = new URL(request.url ?? '', 'http://pds')
    const [did, collection, rkey] = ['repo', 'collection', 'rkey'].map(name => searchParams.get(name))
    const found = records.get(`${did}/${collection}/${rkey}`)
    const uri = `at://${did}/${collection}/${rkey}`
    const body = found
      ? { uri, ...found }
      : { error: 'RecordNotFound', message: `Could not locate record: ${uri}` }
    const text = JSON.stringify(body)
    const date = new Date().toUTCString()
    void gate.then(() =>
      response.writeHead(found ? 200 : 400, { 'content-type': 'application/json', date }).end(text),
    )
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const pds: ScriptedPds = {
    url: `http://127.0.0.1:${port}`,
    port,
    records,
    requests,
    answer: undefined,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return () => {
        gate = Promise.resolve()
        resolve()
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => {
        server.close(resolve)
      })
    },
  }
  return pds
}

/** Answers JSON with a status. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_request, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
}
