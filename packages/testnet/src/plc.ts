import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type DidDocument, didDocument } from './did-document.ts'
import { closeAbruptly, listenOnLoopback, LOOPBACK } from './listen.ts'

export interface PlcOptions {
  /** Default 0: a free port. */
  readonly port?: number
  /**
   * How `GET /did:plc:…` writes keys. `multikey` (default) is what plc.directory serves; `legacy` is what the published
   * version of the server still writes (type `EcdsaSecp256k1VerificationKey2019`, key without its multicodec prefix).
   */
  readonly documents?: 'multikey' | 'legacy'
}

export interface Plc extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string
}

/**
 * Starts the real PLC server on loopback, with its database in memory: all DIDs are gone when it is disposed.
 *
 * Two things differ from the published server, because plc.directory differs there too: the form of the keys in a
 * document (see {@link PlcOptions.documents}), and a DID that was given up answers 410 instead of 404.
 */
export async function startPlc({ port = 0, documents = 'multikey' }: PlcOptions = {}): Promise<Plc> {
  // Loaded late: it takes a third of a second, which a test that needs no PLC should not pay.
  const { MockDatabase, PlcServer } = await import('@did-plc/server')
  const database = new MockDatabase()
  // Its own `start` would listen on all interfaces.
  const { app } = PlcServer.create({ db: database })

  const server = createServer((request, response) => {
    const did = documents === 'multikey' ? didAskedFor(request) : undefined
    if (did === undefined) return void app(request, response)
    database.opsForDid(did).then(
      operations => answer(response, did, operations.at(-1) as Operation | undefined),
      () => response.writeHead(500).end(),
    )
  })
  const bound = await listenOnLoopback(server, port)
  return {
    url: `http://${LOOPBACK}:${bound}`,
    [Symbol.asyncDispose]: () => closeAbruptly(server),
  }
}

/** What we read of the newest operation of a DID. */
type Operation =
  | { readonly type: 'plc_tombstone' }
  | {
      readonly type: 'plc_operation'
      readonly alsoKnownAs: readonly string[]
      readonly verificationMethods: Readonly<Record<string, string>>
      readonly services: Readonly<Record<string, { readonly type: string; readonly endpoint: string }>>
    }

function didAskedFor({ method, url = '' }: IncomingMessage): string | undefined {
  const [, segment, ...rest] = url.split('?', 1)[0]?.split('/') ?? []
  const did = decodeURIComponent(segment ?? '')
  return method === 'GET' && rest.length === 0 && did.startsWith('did:') ? did : undefined
}

function answer(response: ServerResponse, did: string, operation: Operation | undefined): void {
  if (operation === undefined) return sendPlcError(response, 404, `DID not registered: ${did}`)
  if (operation.type === 'plc_tombstone') return sendPlcError(response, 410, `DID not available: ${did}`)
  const services = Object.entries(operation.services).map(
    ([name, { type, endpoint }]) => [name, { type, url: endpoint }] as const,
  )
  const { alsoKnownAs, verificationMethods: keys } = operation
  sendDocument(response, didDocument({ did, alsoKnownAs, keys, services: Object.fromEntries(services) }))
}

/** Answers as a PLC does when it has the document. */
export function sendDocument(response: ServerResponse, document: DidDocument): void {
  response
    .writeHead(200, { 'content-type': 'application/did+ld+json; charset=utf-8' })
    .end(JSON.stringify(document))
}

/** Answers as a PLC does when it has none. */
export function sendPlcError(response: ServerResponse, status: number, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify({ message }))
}
