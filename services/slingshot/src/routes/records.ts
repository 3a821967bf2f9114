import { HttpError, type HttpReply } from '@orrery/server'
import { IdentityError } from '@orrery/identity'
import { type CachedRecord, expectRecord } from '../cache/cache.ts'
import { toUpstreamError } from '../fetch/upstream-error.ts'
import { readAtUri } from '../params/at-uri.ts'
import { first, required } from '../params/first.ts'
import { asKey, checkCid, checkPlace, type Place } from '../params/record.ts'
import type { RecordKey } from '../store.ts'
import type { RouteContext } from './context.ts'
import { type Endpoint, jsonType, type Param } from './endpoint.ts'

const cidParam: Param = {
  name: 'cid',
  summary: 'The version that is wanted. Only the latest is known: any other is a `RecordNotFound`.',
}

const returns =
  '{"uri":"at://did:plc:…/app.bsky.feed.post/3l…","cid":"bafyrei…","value":{"$type":"app.bsky.feed.post"}}'
const errors = [
  'RecordNotFound',
  'RepoDeactivated',
  'RepoTakendown',
  'RepoSuspended',
  'RepoNotFound',
  'DidNotFound',
  'DidDeactivated',
]

export const getRecord: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/com.atproto.repo.getRecord'],
  title: 'A record',
  summary: 'The latest version of a record, as its repository has it.',
  params: [
    {
      name: 'repo',
      required: true,
      summary: 'A DID or a handle.',
      example: 'did:plc:z72i7hdynmk6r22z27h6tvur',
    },
    { name: 'collection', required: true, summary: 'An NSID.', example: 'app.bsky.actor.profile' },
    { name: 'rkey', required: true, summary: 'The record’s key.', example: 'self' },
    cidParam,
  ],
  returns,
  errors,
  run(request, reply, context) {
    const repo = required(request, 'repo')
    const collection = required(request, 'collection')
    const rkey = required(request, 'rkey')
    const place = checkPlace(repo, collection, rkey)
    return answerRecord(reply, context, place, checkCid(first(request, 'cid')))
  },
}

export const getRecordByUri: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/blue.microcosm.repo.getRecordByUri', '/xrpc/com.bad-example.repo.getUriRecord'],
  title: 'A record by its AT-URI',
  summary: 'The same, asked for by one text.',
  params: [
    {
      name: 'at_uri',
      required: true,
      summary: '`at://`, a DID or a handle, collection and key.',
      example: 'at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.actor.profile/self',
    },
    cidParam,
  ],
  returns,
  errors,
  run(request, reply, context) {
    const place = readAtUri(required(request, 'at_uri'))
    return answerRecord(reply, context, place, checkCid(first(request, 'cid')))
  },
}

function answerRecord(
  reply: HttpReply,
  context: RouteContext,
  place: Place,
  cid: string | undefined,
): HttpReply | Promise<HttpReply> {
  const key = asKey(place)
  // What is known is answered without a turn of the event loop.
  const known = key && context.cache.peek(key)
  return known ? send(reply, expectRecord(known), cid) : ask(reply, context, place, cid)
}

async function ask(
  reply: HttpReply,
  context: RouteContext,
  place: Place,
  cid: string | undefined,
): Promise<HttpReply> {
  const { cache, turnstile } = context
  // What is asked for by hundreds at once, and what they are told when a server is given up, is not to hold up hits.
  await turnstile()
  try {
    const answer = await cache.get(await findKey(place, context))
    return send(reply, expectRecord(answer), cid)
  } catch (error) {
    await turnstile()
    throw error
  }
}

function send(
  reply: HttpReply,
  { body, cid, verified }: CachedRecord,
  wanted: string | undefined,
): HttpReply {
  if (wanted !== undefined && wanted !== cid) {
    const message = 'A record was found but its CID did not match that requested'
    throw new HttpError(400, 'RecordNotFound', message)
  }
  return reply
    .header('content-type', jsonType)
    .header('cache-control', 'no-store')
    .header('x-record-verified', verified ? 'true' : 'false')
    .send(body)
}

/** The record under its DID; a handle is resolved now. @throws HttpError */
export async function findKey(place: Place, { directory, timeoutMs }: RouteContext): Promise<RecordKey> {
  const key = asKey(place)
  if (key) return key
  try {
    const { did } = await directory.resolveHandle(place.repo, AbortSignal.timeout(timeoutMs))
    return { did, collection: place.collection, rkey: place.rkey }
  } catch (error) {
    throw handleError(error)
  }
}

/** What `com.atproto.repo.getRecord` says of a handle. */
function handleError(error: unknown): HttpError {
  const { statusCode, headers } = toUpstreamError(error)
  if (error instanceof IdentityError && statusCode < 500) {
    return new HttpError(400, 'InvalidRequest', 'Could not resolve handle repo to a DID')
  }
  return new HttpError(statusCode, 'ResolutionFailed', 'Errored while trying to resolve handle to DID', {
    headers,
  })
}
