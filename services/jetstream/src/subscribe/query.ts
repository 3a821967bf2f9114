import type { IncomingMessage } from 'node:http'
import type { FilterParams } from './filter.ts'

/** What a subscriber asks for when it connects. */
export interface SubscribeQuery {
  filter: FilterParams
  /** Microseconds since 1970, inclusive; 0 for the oldest there is; undefined for what comes from now on. */
  cursor: number | undefined
  /** Whether events are wanted as zstd frames. */
  compress: boolean
  /** Whether to send nothing before the first `options_update`. */
  requireHello: boolean
  /** Milliseconds; 0 for never. */
  heartbeatMs: number
}

/** Thrown for a query that cannot be; `message` names the parameter and the value. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
}

const maxHeartbeatSeconds = 3600

/**
 * Reads the query and the headers of a subscription. Lists are repeated parameters; what a parameter cannot be is taken
 * as the servers take it that clients come from, or refused where they refuse it.
 *
 * @throws QueryError
 */
export function readSubscribeQuery(request: Pick<IncomingMessage, 'url' | 'headers'>): SubscribeQuery {
  const { url = '' } = request
  const raw = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) throw new QueryError('the query has a % that is no escape')
  const params = new URLSearchParams(raw)
  return {
    filter: {
      collections: params.getAll('wantedCollections'),
      dids: params.getAll('wantedDids'),
      kinds: params.getAll('wantedKinds'),
      maxBytes: readMaxBytes(params.get('maxMessageSizeBytes') ?? ''),
    },
    cursor: readCursor(params.get('cursor') ?? ''),
    compress: params.get('compress') === 'true' || wantsZstd(request.headers['socket-encoding']),
    requireHello: params.get('requireHello') === 'true',
    heartbeatMs: readHeartbeat(params.get('heartbeat') ?? ''),
  }
}

/** The size cap: anything that is not a number of 32 bits is no cap. */
export function readMaxBytes(text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0
  return value <= 0xffff_ffff ? value : 0
}

const secondsUs = 1_000_000
const millisUs = 1_000
/** 2001-09-09 in microseconds: no event of the network is older, so nothing below is a time in microseconds. */
const earliestUs = 1_000_000_000_000_000

/**
 * A cursor in microseconds. Ten digits are taken for seconds and thirteen for milliseconds, which the first server's
 * string comparison amounted to and clients rely on; any other small number is a mistake, and answering it with all
 * that is kept would be another.
 */
export function readCursor(text: string): number | undefined {
  if (text === '') return undefined
  const invalid = (why: string): QueryError => new QueryError(`invalid cursor: ${text.slice(0, 40)}${why}`)
  if (!/^[+-]?\d{1,19}$/.test(text) || BigInt(text) > 0x7fff_ffff_ffff_ffffn) throw invalid('')
  const value = Number(text)
  if (value < 0) throw invalid('; it is negative')
  if (value === 0 || value >= earliestUs) return value
  if (value >= 1e9 && value < 1e10) return value * secondsUs
  if (value >= 1e12 && value < 1e13) return value * millisUs
  throw invalid('; it is a time in microseconds since 1970')
}

function readHeartbeat(text: string): number {
  if (text === '') return 0
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > maxHeartbeatSeconds) {
    throw new QueryError(
      `invalid heartbeat: ${text.slice(0, 40)}; it is a number of seconds from 1 to ${maxHeartbeatSeconds}`,
    )
  }
  return seconds * 1000
}

function wantsZstd(header: string | string[] | undefined): boolean {
  return [header ?? ''].flat().some(value => value.includes('zstd'))
}
