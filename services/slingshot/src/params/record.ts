import { isValidDid, isValidHandle, isValidNsid, isValidRecordKey } from '@atproto/syntax'
import { tryParseCid } from '@orrery/repo'
import { invalidRequest } from '@orrery/server'
import type { RecordKey } from '../store.ts'

/** Where a record is said to be: under a DID, or under a handle that has to be resolved. */
export interface Place {
  /** A DID, or a handle in lower case. */
  repo: string
  collection: string
  rkey: string
}

/**
 * Checks the parts of a record's address, without asking anybody.
 *
 * @throws HttpError 400 with the first server's messages
 */
export function checkPlace(repo: string, collection: string, rkey: string): Place {
  const checked = checkRepo(repo)
  if (!isValidNsid(collection)) throw invalidRequest('Invalid NSID for collection')
  if (!isValidRecordKey(rkey)) throw invalidRequest('Invalid rkey')
  return { repo: checked, collection, rkey }
}

/** A DID as it is, or a handle in lower case. @throws HttpError 400 */
function checkRepo(repo: string): string {
  if (isValidDid(repo)) return repo
  const handle = repo.toLowerCase()
  if (isValidHandle(handle)) return handle
  throw invalidRequest('Repo was not a valid DID or handle')
}

/** A CID in its one text form; undefined where none is asked for. @throws HttpError 400 */
export function checkCid(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const cid = tryParseCid(text)
  if (!cid) throw invalidRequest('Invalid CID')
  return cid.toString()
}

/** The place's record, where its repo is a DID. */
export function asKey({ repo, collection, rkey }: Place): RecordKey | undefined {
  return repo.startsWith('did:') ? { did: repo, collection, rkey } : undefined
}
