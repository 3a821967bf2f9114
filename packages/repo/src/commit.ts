import { copyBytes } from './bytes.ts'
import { encodeCbor } from './cbor/encode.ts'
import { readValue } from './cbor/decode.ts'
import { Names } from './cbor/names.ts'
import { CborReader, compareKeys } from './cbor/reader.ts'
import { scanText } from './cbor/text.ts'
import { type Cid, cidOf } from './cid.ts'
import { RepoError } from './errors.ts'
import { type PublicKey, verifySignature } from './keys.ts'
import { signBytes, type SigningKey } from './signing.ts'

/**
 * A commit object of repository version 3. Byte fields are views into the block it was read from.
 *
 * @see https://atproto.com/specs/repository#commit-objects
 */
export interface Commit {
  did: string
  rev: string
  /** The root of the tree. */
  data: Cid
  /** Always null in version 3 as it is used; kept for old commits. */
  prev: Cid | null
  signature: Uint8Array
  /** What the signature is over: the block without its `sig` field. */
  unsigned: Uint8Array
}

/**
 * Reads a commit object, strictly: version 3, every field there, nothing twice.
 *
 * @throws RepoError `commit_bad`
 */
export function readCommit(block: Uint8Array): Commit {
  try {
    return parse(block)
  } catch (error) {
    if (error instanceof RepoError && error.code === 'commit_bad') throw error
    throw new RepoError('commit_bad', error instanceof Error ? error.message : undefined, { cause: error })
  }
}

/** Whether the commit's signature is the key's. */
export function verifyCommitSignature(commit: Commit, key: PublicKey): boolean {
  return verifySignature(key, commit.unsigned, commit.signature)
}

/** What a new commit says. */
export interface CommitFields {
  did: string
  rev: string
  data: Cid
}

/** Makes and signs a commit object. */
export function signCommit(fields: CommitFields, key: SigningKey): { cid: Cid; bytes: Uint8Array } {
  const content = { did: fields.did, rev: fields.rev, data: fields.data, prev: null, version: 3 }
  const sig = signBytes(key, encodeCbor(content))
  const bytes = encodeCbor({ ...content, sig })
  return { cid: cidOf(bytes), bytes }
}

const fieldNames = new Names(['did', 'rev', 'data', 'prev', 'version', 'sig'])

function parse(block: Uint8Array): Commit {
  const reader = new CborReader(block)
  const fields = reader.map()
  let did: string | undefined
  let rev: string | undefined
  let data: Cid | undefined
  let prev: Cid | null | undefined
  let signature: Uint8Array | undefined
  let version = 0
  let sigFrom = 0
  let sigTo = 0
  let lastFrom = 0
  let lastTo = -1
  for (let i = 0; i < fields; i++) {
    const entryFrom = reader.pos
    const from = reader.key()
    const to = reader.pos
    // Canonical order, which also rules out doubles; without it the unsigned form would not be what was signed.
    if (lastTo >= 0 && compareKeys(block, lastFrom, lastTo, from, to) >= 0) {
      throw new RepoError('commit_bad', 'the fields are not in order')
    }
    lastFrom = from
    lastTo = to
    switch (fieldNames.at(block, from, to)) {
      case 'did':
        did = reader.text()
        break
      case 'rev':
        rev = reader.text()
        break
      case 'data':
        data = reader.cid()
        break
      case 'prev':
        prev = reader.tryNull() ? null : reader.cid()
        break
      case 'version':
        version = reader.integer()
        break
      case 'sig':
        signature = reader.byteString()
        sigFrom = entryFrom
        sigTo = reader.pos
        break
      case undefined:
        // Who signed decoded and encoded it once more; what is not canonical would not have come out the same.
        scanText(block, from, to)
        readValue(reader, 1)
    }
  }
  reader.finish()
  if (version !== 3) throw new RepoError('commit_bad', `version=${version}`)
  if (did === undefined || rev === undefined || data === undefined || prev === undefined || !signature) {
    throw new RepoError('commit_bad', 'a field is missing')
  }
  // A map head below 24 entries is one byte, so one entry less is that byte less one.
  if (fields >= 24) throw new RepoError('commit_bad', `fields=${fields}`)
  const unsigned = Buffer.allocUnsafe(block.length - (sigTo - sigFrom))
  unsigned[0] = 0xa0 | (fields - 1)
  const at = copyBytes(block, 1, sigFrom, unsigned, 1)
  copyBytes(block, sigTo, block.length, unsigned, at)
  return { did, rev, data, prev, signature, unsigned }
}
