import type { Directory, GuardedResponse, Identity } from '@orrery/identity'
import { RepoError, tryParseCid } from '@orrery/repo'
import { HttpError } from '@orrery/server'
import { pathOf, type RecordKey, type RecordValue } from '../store.ts'
import type { Hosts } from './hosts.ts'
import { readProof } from './proof.ts'
import { recordOfJson } from './record-bytes.ts'
import { badGateway, toUpstreamError } from './upstream-error.ts'

/** What a PDS said. */
export interface Answered {
  /** Null: see `refusal`. */
  value: RecordValue | null
  /** See `Fetched.asOfUs`; undefined where what was said is not about the record. */
  asOfUs: number | undefined
  /** What to tell clients where there is no value. */
  refusal: { error: string; message: string }
}

/** Asks an account's PDS for a record. @throws HttpError */
export type FetchRecord = (record: RecordKey) => Promise<Answered>

export interface FetchOptions {
  directory: Pick<Directory, 'identity' | 'refresh'>
  hosts: Hosts
  timeoutMs: number
  maxBytes: number
  /** Refuse what is not what its CID says. */
  checkCid: boolean
  /** Ask for proofs. */
  verify: boolean
  stats: FetchStats
  now?: (() => number) | undefined
}

/** Counters of what came of questions. */
export type FetchStats = Record<FetchOutcome, number>
export const fetchOutcomes = ['record', 'missing', 'refused', 'bad_cid', 'bad_proof', 'failed'] as const
export type FetchOutcome = (typeof fetchOutcomes)[number]

const notFound = 'RecordNotFound'

/** Makes a {@link FetchRecord}. */
export function createFetchRecord(options: FetchOptions): FetchRecord {
  const { directory, timeoutMs, verify, stats } = options
  return async record => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const identity = await directory.identity(record.did, signal)
      const answered = await (verify ? askForProof : askForRecord)(record, identity, options, signal)
      stats[answered.value ? 'record' : answered.refusal.error === notFound ? 'missing' : 'refused']++
      return answered
    } catch (error) {
      const failure = toUpstreamError(error)
      const { error: name } = failure
      stats[name === 'CidMismatch' ? 'bad_cid' : name === 'InvalidProof' ? 'bad_proof' : 'failed']++
      throw failure
    }
  }
}

/** The PDS that an identity names. @throws HttpError */
export function pdsOf({ did, pds }: Identity): string {
  if (pds === undefined)
    throw new HttpError(502, 'InvalidDidDocument', `The DID document names no PDS; did=${did}`)
  return pds
}

export function recordUrl(pds: string, method: 'repo' | 'sync', { did, collection, rkey }: RecordKey): URL {
  const url = new URL(`/xrpc/com.atproto.${method}.getRecord`, pds)
  url.searchParams.set(method === 'repo' ? 'repo' : 'did', did)
  url.searchParams.set('collection', collection)
  url.searchParams.set('rkey', rkey)
  return url
}

async function askForRecord(
  record: RecordKey,
  identity: Identity,
  { hosts, maxBytes, checkCid, now = Date.now }: FetchOptions,
  signal: AbortSignal,
): Promise<Answered> {
  const url = recordUrl(pdsOf(identity), 'repo', record)
  // Room for what stands around the record.
  const response = await hosts.ask(url, { signal, maxBytes: maxBytes + 4_096 })
  const body = parseJson(response)
  if (response.status !== 200) return refusalOf(response, body, now())
  const { cid, value } = body as { cid?: unknown; value?: unknown }
  if (typeof value !== 'object' || value === null) throw badGateway('The PDS answered no record')
  const read = tryRead(value)
  const claimed = typeof cid === 'string' ? tryParseCid(cid)?.toString() : undefined
  if (checkCid ? claimed === undefined || claimed !== read?.cid : claimed === undefined) {
    throw new HttpError(
      502,
      'CidMismatch',
      `The PDS answered a record that is not what its CID says; cid=${claimed}`,
    )
  }
  const json = read?.json ?? Buffer.from(JSON.stringify(value))
  return {
    value: { cid: claimed!, json, verified: false },
    asOfUs: asOf(response, now()),
    refusal: missing(record),
  }
}

async function askForProof(
  record: RecordKey,
  identity: Identity,
  options: FetchOptions,
  signal: AbortSignal,
): Promise<Answered> {
  const { hosts, maxBytes, directory, now = Date.now } = options
  const url = recordUrl(pdsOf(identity), 'sync', record)
  const response = await hosts.ask(url, {
    signal,
    maxBytes: maxBytes + proofBytes,
    headers: { accept: carType },
  })
  if (response.status !== 200) return refusalOf(response, parseJson(response), now())
  const proof = await readProof(
    record,
    response.bytes,
    identity,
    () => directory.refresh(record.did, signal),
    now,
  )
  return { ...proof, refusal: missing(record) }
}

/** What a proof has besides its record: a commit, and a path through the tree. */
export const proofBytes = 1024 * 1024
export const carType = 'application/vnd.ipld.car'

function tryRead(value: unknown): ReturnType<typeof recordOfJson> | undefined {
  try {
    return recordOfJson(value)
  } catch (error) {
    if (error instanceof RepoError) return undefined
    throw error
  }
}

function parseJson({ bytes, status }: GuardedResponse): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown
  } catch {
    throw badGateway(`The PDS answered no JSON; status=${status}`)
  }
}

/** A 400 that says what is wrong goes on to the client; all else is the PDS's failure. */
export function refusalOf(response: GuardedResponse, body: unknown, now: number): Answered {
  const { error, message } = (body ?? {}) as { error?: unknown; message?: unknown }
  if (response.status !== 400 || typeof error !== 'string' || typeof message !== 'string') {
    throw badGateway(`The PDS answered with status ${response.status}`)
  }
  const isMissing = error === notFound
  return {
    value: null,
    asOfUs: isMissing ? asOf(response, now) : undefined,
    refusal: {
      error: /^\w{1,64}$/.test(error) ? error : 'InvalidRequest',
      message: `Upstream bad request: ${message.slice(0, 500)}`,
    },
  }
}

function missing(record: RecordKey): Answered['refusal'] {
  return { error: notFound, message: `There is no such record: at://${record.did}/${pathOf(record)}` }
}

/** Clocks that are further off than this are not believed. */
const maxSkewMs = 24 * 3_600_000

/**
 * Up to when, by the PDS's clock, what it said may hold commits: its `Date`, which is cut to the second, and a second
 * more; without one, our own clock and five.
 */
function asOf({ headers }: GuardedResponse, now: number): number {
  const date = Date.parse(headers.date ?? '')
  return (Math.abs(date - now) <= maxSkewMs ? date + 2_000 : now + 5_000) * 1_000
}
