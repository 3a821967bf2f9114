import { addFast, type FastAnswer, type FastHandler, type HttpServer, type ReadQuery } from '@orrery/server'
import { type Answer, keyOf, type RecordCache } from '../cache/cache.ts'
import { readAtUri } from '../params/at-uri.ts'
import { asKey, checkPlace, type Place } from '../params/record.ts'
import type { RecordKey } from '../store.ts'
import { jsonType } from './endpoint.ts'
import { limitError, limitMessage, type RateLimit } from './rate-limit.ts'
import { getRecord, getRecordByUri } from './records.ts'
import type { Turnstile } from './turnstile.ts'

type Query = Parameters<ReadQuery<unknown>>[0]

interface Wanted {
  record: RecordKey
  key: string
}

/**
 * Records that are known are answered past Fastify, and what is refused at once, as there may be thousands of either a
 * second; all else, other errors too, by the routes of the same paths.
 */
export function addHits(
  app: HttpServer,
  cache: RecordCache,
  { limit, turnstile }: { limit: RateLimit; turnstile: Turnstile },
): void {
  const answer: FastHandler<Wanted> = (request, { record, key }) => {
    const seconds = limit.take(request)
    if (seconds === undefined) return undefined
    if (seconds > 0) return later(refusal(429, limitError, limitMessage(seconds), seconds))
    const known = cache.peek(record, key)
    const ready = known && answerOf(known)
    if (ready) return ready
    const refused = known ? undefined : cache.refusal(record)
    if (!refused) {
      limit.giveBack(request)
      return undefined
    }
    return later(refusal(503, 'ServiceUnavailable', refused.message, refused.retryAfterSeconds))
  }
  const later = async (refused: FastAnswer): Promise<FastAnswer> => {
    await turnstile()
    return refused
  }
  for (const path of getRecord.paths) addFast(app, path, answer, readPlace)
  for (const path of getRecordByUri.paths) addFast(app, path, answer, readUri)
}

function readPlace({ repo, collection, rkey, cid }: Query): Wanted | undefined {
  // Which version is wanted is looked at by the route.
  if (cid !== undefined) return undefined
  if (typeof repo !== 'string' || typeof collection !== 'string' || typeof rkey !== 'string') return undefined
  return wantedOf(checkPlace(repo, collection, rkey))
}

function readUri({ at_uri: uri, cid }: Query): Wanted | undefined {
  return cid === undefined && typeof uri === 'string' ? wantedOf(readAtUri(uri)) : undefined
}

function wantedOf(place: Place): Wanted | undefined {
  const record = asKey(place)
  return record && { record, key: keyOf(record) }
}

const common = ['content-type', jsonType, 'cache-control', 'no-store', 'x-record-verified'] as const
const verified = [...common, 'true']
const unverified = [...common, 'false']

function answerOf(answer: Answer): FastAnswer | undefined {
  if (answer.kind !== 'record') return undefined
  return { statusCode: 200, headers: answer.verified ? verified : unverified, body: answer.body }
}

function refusal(statusCode: number, error: string, message: string, retryAfterSeconds: number): FastAnswer {
  return {
    statusCode,
    headers: ['content-type', jsonType, 'retry-after', String(retryAfterSeconds)],
    body: JSON.stringify({ error, message }),
  }
}
