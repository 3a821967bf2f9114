/**
 * Why bytes were refused. The codes are an API: they become the `reason` label of drop counters, so each names one thing
 * and none is ever renamed.
 */
export const repoErrorCodes = {
  cbor_truncated: 'The bytes end inside an item.',
  cbor_trailing: 'There are bytes after the item.',
  cbor_non_minimal: 'An integer or a length is not in its shortest form.',
  cbor_indefinite: 'An item has an indefinite length.',
  cbor_bad_tag: 'A tag is not 42, or its content is not a CID in bytes.',
  cbor_bad_key: 'A map key is not text, is out of order, or is there twice.',
  cbor_bad_utf8: 'A text string is not valid UTF-8.',
  cbor_bad_simple: 'A simple value is not false, true or null.',
  cbor_bad_float: 'A float is not finite, or not 64 bits wide.',
  cbor_bad_int: 'An integer does not fit in 64 bits with a sign.',
  cbor_too_deep: 'Arrays and maps are nested too deep.',
  cbor_bad_value: 'A value has no place in the data model.',
  not_a_map: 'A record or message is not a map.',
  float: 'A record holds a number that is not an integer; the atproto data model has none.',
  cid_invalid: 'A CID is not CIDv1 with sha2-256 and the dag-cbor or raw codec.',
  car_bad_header: 'A CAR header is malformed, is not version 1, or names no root.',
  car_bad_block: 'A CAR block is malformed or exceeds its limit.',
  car_truncated: 'A CAR ends inside a block.',
  hash_mismatch: 'A block is not what its CID says.',
  missing_block: 'A block that is needed is not in the CAR.',
  mst_bad_node: 'An MST node is malformed, or its keys are out of order or in the wrong layer.',
  mst_bad_key: 'A key is not a valid repository path.',
  mst_key_exists: 'A key to be added is there already.',
  mst_key_missing: 'A key to be changed or removed is not there.',
  commit_bad: 'A commit object is malformed or not version 3.',
  too_big:
    'A message, its blocks or its list of operations exceeds the limits of the protocol, or says that it was cut.',
  did_mismatch: 'A commit names another account than its message.',
  rev_mismatch: 'A commit has another rev than its message.',
  cid_mismatch: 'The root of a CAR is not the commit that the message names.',
  bad_rev: 'A rev is not a TID.',
  future_rev: 'A rev is more than five minutes in the future.',
  bad_signature: 'A signature does not fit the key, or is not in its low-S form.',
  bad_ops: 'The operations of a commit are malformed, or two are for the same record.',
  bad_path: 'The path of an operation is not a collection NSID and a record key.',
  bad_proof: 'Undoing the operations of a commit does not lead back to the tree that it says it came from.',
  missing_prev_data:
    'A commit does not say which tree it came from, so nothing proves that its operations are all.',
  record_too_big: 'A record exceeds its limit.',
  key_unsupported: 'A public key is neither P-256 nor K-256 in Multikey form.',
  tid_invalid: 'A TID is malformed.',
  json_invalid: 'A JSON value has no place in the data model.',
  frame_bad: 'A frame is not a header and a body in CBOR.',
  frame_bad_body: 'The body of a frame lacks a field, or has one of the wrong type.',
} as const

export type RepoErrorCode = keyof typeof repoErrorCodes

/**
 * The one error of this package. `code` says what was wrong; `message` adds the values. It is never retryable: the same
 * bytes fail the same way.
 */
export class RepoError extends Error {
  override readonly name = 'RepoError'
  readonly code: RepoErrorCode

  constructor(code: RepoErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail ? `${code}; ${detail}` : code, options)
    this.code = code
  }
}
