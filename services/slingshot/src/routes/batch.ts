import { invalidRequest, type HttpRequest } from '@orrery/server'
import type { CachedRecord } from '../cache/cache.ts'
import type { Endpoint } from './endpoint.ts'
import { jsonType } from './endpoint.ts'
import { forEachUntil, isMissing, type Outcome, recordByUri } from './many.ts'

const maxUris = 100

export const postRecords: Endpoint = {
  method: 'POST',
  paths: ['/records'],
  title: 'Many records at once',
  summary: `Up to ${maxUris} records in one request, answered in their order and within one deadline: \`found\`, \`missing\` (deleted, never there, or of an account that is not active) or \`error\`.`,
  params: [{ name: 'uris', required: true, summary: `AT-URIs, up to ${maxUris}.` }],
  returns:
    '{"records":[{"status":"found","verified":true,"uri":"at://…","cid":"bafyrei…","value":{}},{"status":"missing","uri":"at://…","error":"RecordNotFound","message":"…"},{"status":"error","uri":"at://…","error":"UpstreamTimeout","message":"…"}]}',
  errors: [],
  async run(request, reply, context) {
    const uris = readUris(request)
    context.charge(request, Math.max(0, uris.length - 1))
    const deadline = performance.now() + context.timeoutMs
    const outcomes = await forEachUntil(uris, deadline, uri => recordByUri(uri, context))
    const items = outcomes.map((outcome, i) => itemOf(uris[i]!, outcome))
    return reply
      .header('content-type', jsonType)
      .header('cache-control', 'no-store')
      .send(`{"records":[${items.join(',')}]}`)
  },
}

function readUris({ body }: HttpRequest): string[] {
  const uris: unknown = typeof body === 'object' && body !== null && 'uris' in body ? body.uris : undefined
  if (!Array.isArray(uris) || !uris.every(uri => typeof uri === 'string')) {
    throw invalidRequest('uris: must be a list of AT-URIs')
  }
  if (uris.length > maxUris) throw invalidRequest(`uris: must be ${maxUris} at the most`)
  return uris
}

function itemOf(uri: string, outcome: Outcome<CachedRecord>): string {
  if (outcome.kind === 'found') {
    const { body, verified } = outcome.value
    return `{"status":"found","verified":${verified},${body.slice(1)}`
  }
  const failure =
    outcome.kind === 'late'
      ? { status: 'error', uri, error: 'UpstreamTimeout', message: 'Not answered in time; ask again' }
      : {
          status: isMissing(outcome.error) ? 'missing' : 'error',
          uri,
          error: outcome.error.error,
          message: outcome.error.message,
        }
  return JSON.stringify(failure)
}
