// What is not here stays inside: the readers of single CBOR heads, the look-up table of blocks.
export { asBuffer, compareBytes, concatBytes, ByteSink, equalBytes } from './bytes.ts'
export { type CborValue, decodeCbor } from './cbor/decode.ts'
export { encodeCbor } from './cbor/encode.ts'
export { maxDepth } from './cbor/reader.ts'
export { RecordTranscoder } from './cbor/record-json.ts'
export { Tape } from './cbor/tape.ts'
export { BlockMap, readCar, type ReadCarOptions } from './car/read.ts'
export { type CarStream, type CarStreamOptions, readCarStream } from './car/stream.ts'
export { type Block, writeCar } from './car/write.ts'
export { Cid, cidFromBytes, cidOf, type Codec, codecs, parseCid, sha256, tryParseCid } from './cid.ts'
export { type Commit, type CommitFields, readCommit, signCommit, verifyCommitSignature } from './commit.ts'
export { RepoError, type RepoErrorCode, repoErrorCodes } from './errors.ts'
export { peekFrame, readFrame } from './frame/read.ts'
export {
  type AccountFrame,
  type CommitFrame,
  type CommitOp,
  type ErrorFrame,
  type Frame,
  type FrameKind,
  type FramePeek,
  frameLimits,
  type IdentityFrame,
  type InfoFrame,
  type SyncFrame,
  type UnknownFrame,
} from './frame/types.ts'
export { encodeErrorFrame, encodeFrame } from './frame/write.ts'
export { valueFromJson, valueToJson } from './json-model.ts'
export {
  type Curve,
  formatMultikey,
  isLowS,
  parsePublicKey,
  type PublicKey,
  verifySignature,
} from './keys.ts'
export {
  type CidBytes,
  commonPrefix,
  encodeMstNode,
  keyLayer,
  type MstChild,
  type MstNode,
  nodeCid,
  readMstNode,
} from './mst/node.ts'
export {
  addKey,
  emptyTree,
  getKey,
  loadFrom,
  type LoadNode,
  nothingToLoad,
  removeKey,
  replaceKey,
} from './mst/tree.ts'
export { buildTree, type MstEntry, walkTree } from './mst/walk.ts'
export { isCollection, type RecordPath, tryParsePath } from './path.ts'
export { checkInclusion, invertOps, loadFromCar } from './proof.ts'
export { generateSigningKey, signBytes, type SigningKey, signingKeyFromBytes } from './signing.ts'
export { isTid, tidFromTimeUs, tidToTimeUs } from './tid.ts'
export {
  futureRevToleranceUs,
  type Proof,
  type VerifiedCommit,
  type VerifiedSync,
  verifyCommit,
  type VerifyOptions,
  verifySync,
} from './verify.ts'
