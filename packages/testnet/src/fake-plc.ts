import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DidDocument } from './did-document.ts'
import { closeAbruptly, listenOnLoopback, LOOPBACK } from './listen.ts'
import { sendDocument, sendPlcError } from './plc.ts'

/** How a {@link FakePlc} misbehaves. */
export interface PlcTrouble {
  /** Answer with this HTTP status, or `silence`: take the request and never answer. */
  readonly status: number | 'silence'
  /** For this many requests; default: until {@link FakePlc.heal}. */
  readonly times?: number
}

export interface FakePlc extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string
  /** How often each DID was asked for, refused requests included. */
  readonly requests: ReadonlyMap<string, number>
  /** Adds or replaces a document. */
  set(document: DidDocument): void
  /** From now on the DID is given up: 410. */
  tombstone(did: string): void
  /** From now on the DID was never registered: 404. */
  forget(did: string): void
  /** From now on requests fail. */
  fail(trouble: PlcTrouble): void
  /** From now on requests for this DID fail, with an HTTP status or with silence. */
  failFor(did: string, status: PlcTrouble['status']): void
  /** Ends {@link FakePlc.fail}, {@link FakePlc.failFor} and {@link FakePlc.delay}. */
  heal(): void
  /** From now on each answer waits this long. */
  delay(latencyMs: number): void
}

/**
 * Serves given DID documents as a PLC does, for accounts that are in no real one: `GET /did:…` answers the document,
 * 404 for an unknown DID, 410 for one that was given up. Other methods and paths answer 404.
 *
 * @param documents DID → document; copied, so later changes go through the methods.
 */
export async function startFakePlc(
  documents: ReadonlyMap<string, DidDocument> = new Map(),
  { port = 0 }: { readonly port?: number } = {},
): Promise<FakePlc> {
  const known = new Map<string, DidDocument | 'tombstone'>(documents)
  const requests = new Map<string, number>()
  const troubleByDid = new Map<string, PlcTrouble['status']>()
  let trouble: { status: PlcTrouble['status']; left: number } | undefined
  let latencyMs = 0

  const server = createServer((request, response) => {
    const did = decodeURIComponent((request.url ?? '').split('?', 1)[0]?.slice(1) ?? '')
    requests.set(did, (requests.get(did) ?? 0) + 1)
    const status = troubleByDid.get(did) ?? takeTrouble()
    if (status === 'silence') return
    const reply = (): void => answer(response, request.method, did, status)
    if (latencyMs === 0) reply()
    else void sleep(latencyMs, undefined, { ref: false }).then(reply)
  })

  function takeTrouble(): PlcTrouble['status'] | undefined {
    if (!trouble || trouble.left === 0) return undefined
    trouble.left--
    return trouble.status
  }

  function answer(
    response: ServerResponse,
    method: string | undefined,
    did: string,
    status: number | undefined,
  ): void {
    const entry = method === 'GET' ? known.get(did) : undefined
    if (status !== undefined) sendPlcError(response, status, 'scripted failure')
    else if (entry === undefined) sendPlcError(response, 404, `DID not registered: ${did}`)
    else if (entry === 'tombstone') sendPlcError(response, 410, `DID not available: ${did}`)
    else sendDocument(response, entry)
  }

  const bound = await listenOnLoopback(server, port)
  return {
    url: `http://${LOOPBACK}:${bound}`,
    requests,
    set: document => void known.set(document.id, document),
    tombstone: did => void known.set(did, 'tombstone'),
    forget: did => void known.delete(did),
    fail: ({ status, times = Number.POSITIVE_INFINITY }) => {
      trouble = { status, left: times }
    },
    failFor: (did, status) => void troubleByDid.set(did, status),
    heal: () => {
      trouble = undefined
      troubleByDid.clear()
      latencyMs = 0
    },
    delay: ms => {
      latencyMs = ms
    },
    [Symbol.asyncDispose]: () => closeAbruptly(server),
  }
}
