import type { Identity } from '@orrery/identity'
import {
  Cid,
  type Commit,
  futureRevToleranceUs,
  getKey,
  isTid,
  loadFromCar,
  parsePublicKey,
  readCar,
  readCommit,
  RepoError,
  tidToTimeUs,
  verifyCommitSignature,
} from '@orrery/repo'
import { HttpError } from '@orrery/server'
import { pathOf, type RecordKey, type RecordValue } from '../store.ts'
import { jsonOfCbor } from './record-bytes.ts'

/** What a proof shows: the record, or that there is none, as of the time of a commit. */
export interface Proven {
  value: RecordValue | null
  asOfUs: number
}

/**
 * Checks what `com.atproto.sync.getRecord` answered: every block against its CID, the commit against the account's key,
 * the way through the tree to the record or to where it would be.
 *
 * @param refresh asks for the identity anew, where the signature does not fit: the key may have changed
 * @throws HttpError 502 `InvalidProof`
 */
export async function readProof(
  record: RecordKey,
  bytes: Uint8Array,
  identity: Identity,
  refresh: () => Promise<Identity>,
  now: () => number = Date.now,
): Promise<Proven> {
  try {
    const car = readCar(bytes)
    const block = car.get(car.roots[0]!)
    if (!block) throw invalid('its commit is missing')
    const commit = readCommit(block)
    if (commit.did !== record.did) throw invalid('it is of another account')
    const asOfUs = isTid(commit.rev) ? tidToTimeUs(commit.rev) : Number.POSITIVE_INFINITY
    if (asOfUs > now() * 1_000 + futureRevToleranceUs) throw invalid('its rev is not of now')
    if (!isSignedBy(commit, identity) && !isSignedBy(commit, await refresh())) {
      throw invalid('its signature is not of the account’s key')
    }
    const load = loadFromCar(car)
    const cidBytes = getKey(load(commit.data.bytes, undefined), pathOf(record), load)
    if (!cidBytes) return { value: null, asOfUs }
    const cid = new Cid(cidBytes)
    const json = car.get(cid)
    if (!json) throw invalid('its record is missing')
    return { value: { cid: cid.toString(), json: jsonOfCbor(json), verified: true }, asOfUs }
  } catch (error) {
    if (error instanceof RepoError) throw invalid(error.message)
    throw error
  }
}

function isSignedBy(commit: Commit, { signingKey }: Identity): boolean {
  return signingKey !== undefined && verifyCommitSignature(commit, parsePublicKey(signingKey))
}

function invalid(why: string): HttpError {
  return new HttpError(502, 'InvalidProof', `The PDS answered no proof of the record: ${why}`)
}
