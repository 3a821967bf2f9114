import type { IncomingMessage, ServerResponse } from 'node:http'

import { startServer, type TestServer } from './servers.ts'

/** A well-formed did:plc for each number. */
export function plcDid(n: number): string {
  const digits = n.toString(26).replace(/[0-9]/g, digit => 'qrstuvwxyz'[Number(digit)]!)
  return `did:plc:${digits.padStart(24, '2')}`
}

/** The document of an account whose handle tells how often it changed. */
export function documentOf(did: string, version = 1): Record<string, unknown> {
  return {
    id: did,
    alsoKnownAs: [`at://v${version}.example.com`],
    verificationMethod: [
      {
        id: `${did}#atproto`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: 'zQ3shPkJyX6ZanqXmNb2q7rqc2enkEGLdDUpvomMCQo91uhEk',
      },
    ],
    service: [
      {
        id: '#atproto_pds',
        type: 'AtprotoPersonalDataServer',
        serviceEndpoint: 'https://pds.example.net',
      },
    ],
  }
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * A directory on loopback, for did:plc by path and for one did:web by its well-known path. It knows every DID, at version
 * `version`, except those for which `answers` says something else; `all` comes before both. It counts requests.
 */
export type TestDirectory = TestServer & {
  answers: Map<string, Answer>
  all: Answer | undefined
  version: number
  webDid: string
  requestsFor(did: string): number
}

export async function startDirectory(): Promise<TestDirectory> {
  const answers = new Map<string, Answer>()
  const counts = new Map<string, number>()
  let directory: TestDirectory | undefined
  const server = await startServer((request, response) => {
    const path = request.url?.slice(1) ?? ''
    const did = path === '.well-known/did.json' ? directory!.webDid : path
    counts.set(did, (counts.get(did) ?? 0) + 1)
    const answer = directory!.all ?? answers.get(did)
    if (answer) answer(request, response)
    else response.end(JSON.stringify(documentOf(did, directory!.version)))
  })
  const webDid = `did:web:localhost%3A${server.port}`
  directory = {
    ...server,
    answers,
    all: undefined,
    version: 1,
    webDid,
    requestsFor: did => counts.get(did) ?? 0,
  }
  return directory
}

/** Answers with a status, and nothing else. */
export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (_request, response) => response.writeHead(code, headers).end('{}')
}
