import { addFast, type FastAnswer, type HttpServer } from '@orrery/server'
import type { Answer, RecordCache } from '../cache/cache.ts'
import { readAtUri } from '../params/at-uri.ts'
import { asKey, checkPlace } from '../params/record.ts'
import type { Refusal } from '../fetch/hosts.ts'
import type { RecordKey } from '../store.ts'
import { jsonType } from './endpoint.ts'
import type { RateLimit } from './rate-limit.ts'
import { getRecord, getRecordByUri } from './records.ts'

type Query = Readonly<Record<string, string | readonly string[]>>

/**
 * Records that are known are answered past Fastify, and what would be refused at once, as there may be thousands of either
 * a second; all else, other errors too, by the routes of the same paths.
 */
export function addHits(app: HttpServer, cache: RecordCache, limit: RateLimit): void {
  function add(path: string, find: (query: Query) => Answer | RecordKey | undefined): void {
    addFast(app, path, (request, query): FastAnswer | undefined => {
      // Which version is wanted is looked at by the route.
      if ('cid' in query) return undefined
      const found = find(query)
      const answer = found && ('kind' in found ? answerOf(found) : refuse(cache.refusal(found)))
      return answer && limit.tryCharge(request) ? answer : undefined
    })
  }
  const peek = (record: RecordKey | undefined): Answer | RecordKey | undefined =>
    record && (cache.peek(record) ?? record)
  for (const path of getRecord.paths) {
    add(path, ({ repo, collection, rkey }) => {
      if (typeof repo !== 'string' || typeof collection !== 'string' || typeof rkey !== 'string')
        return undefined
      return (
        cache.peekMemory(`${repo}/${collection}/${rkey}`) ?? peek(asKey(checkPlace(repo, collection, rkey)))
      )
    })
  }
  for (const path of getRecordByUri.paths) {
    add(path, ({ at_uri: uri }) => (typeof uri === 'string' ? peek(asKey(readAtUri(uri))) : undefined))
  }
}

const common = ['content-type', jsonType, 'cache-control', 'no-store', 'x-record-verified'] as const
const verified = [...common, 'true']
const unverified = [...common, 'false']

function answerOf(answer: Answer): FastAnswer | undefined {
  if (answer.kind !== 'record') return undefined
  return { statusCode: 200, headers: answer.verified ? verified : unverified, body: answer.body }
}

function refuse(refusal: Refusal | undefined): FastAnswer | undefined {
  if (!refusal) return undefined
  const { message, retryAfterSeconds } = refusal
  return {
    statusCode: 503,
    headers: ['content-type', jsonType, 'retry-after', String(retryAfterSeconds)],
    body: JSON.stringify({ error: 'ServiceUnavailable', message }),
  }
}
