import { equalBytes } from './bytes.ts'
import { type BlockMap, readCar } from './car/read.ts'
import { Cid } from './cid.ts'
import { type Commit, readCommit, verifyCommitSignature } from './commit.ts'
import { RepoError } from './errors.ts'
import { type CommitFrame, type CommitOp, frameLimits, type SyncFrame } from './frame/types.ts'
import type { PublicKey } from './keys.ts'
import { type MstNode, nodeCid } from './mst/node.ts'
import { emptyTree, type LoadNode } from './mst/tree.ts'
import { checkInclusion, invertOps, loadFromCar } from './proof.ts'
import { isTid, tidToTimeUs } from './tid.ts'

/** How far ahead of our clock a rev may be, in microseconds: what the reference relay tolerates. */
export const futureRevToleranceUs = 5 * 60 * 1_000_000

export interface VerifyOptions {
  /** The account's key. Without one the signature is not checked, and the verdict says so. */
  key?: PublicKey | undefined
  /** The time in microseconds since 1970. */
  nowUs: number
  /**
   * `full` hashes every block, checks structure, and undoes the operations; `none` opens the CAR and trusts it.
   * The signature is checked whenever there is a key, unless this is `none`.
   */
  checks: 'full' | 'none'
}

/**
 * What was proven of a commit. `inverted`: the operations are true and complete against `prevData`. `included`: each is
 * true, but nothing says that they are all, as the sender gave no `prevData` or `prev`. `unchecked`: nothing.
 */
export type Proof = 'inverted' | 'included' | 'unchecked'

/** A commit that withstood its checks. Against the account's history it is still to be compared: rev, since, prevData. */
export interface VerifiedCommit {
  car: BlockMap
  /** What was signed, to check the signature later: a batch of them at the end costs less. */
  commit: Commit
  /** The root of the tree after it. */
  data: Cid
  proof: Proof
  /** Whether the signature was checked. */
  signed: boolean
}

/**
 * Checks a commit message by itself: limits, CAR, commit object, rev, signature, proof. The cheap and the likely to fail
 * come first; nothing is kept.
 *
 * @throws RepoError with the code of the first check that failed
 * @see https://atproto.com/specs/sync
 */
export function verifyCommit(frame: CommitFrame, options: VerifyOptions): VerifiedCommit {
  checkMessage(frame, options.nowUs)
  const checked = options.checks === 'full'
  const car = readCar(frame.blocks, { verify: checked })
  const root = car.roots[0]!
  if (!root.equals(frame.commit)) throw new RepoError('cid_mismatch', `root=${root}`)
  const commit = readRootCommit(car, frame)
  if (!checked) return { car, commit, data: commit.data, proof: 'unchecked', signed: false }

  checkOps(frame.ops)
  if (options.key && !verifyCommitSignature(commit, options.key)) throw new RepoError('bad_signature')
  const proof = prove(frame, car, commit.data)
  return { car, commit, data: commit.data, proof, signed: options.key !== undefined }
}

/** A #sync that withstood its checks. */
export type VerifiedSync = Pick<VerifiedCommit, 'commit' | 'data' | 'signed'>

/** As `verifyCommit`, for a #sync message: its CAR has the commit alone, so there is nothing to prove. */
export function verifySync(frame: SyncFrame, options: VerifyOptions): VerifiedSync {
  if (frame.blocks.length > frameLimits.commitBlocks)
    throw new RepoError('too_big', `blocks=${frame.blocks.length}`)
  checkRev(frame.rev, options.nowUs)
  const checked = options.checks === 'full'
  const car = readCar(frame.blocks, { verify: checked })
  const commit = readRootCommit(car, frame)
  if (checked && options.key && !verifyCommitSignature(commit, options.key))
    throw new RepoError('bad_signature')
  return { commit, data: commit.data, signed: checked && options.key !== undefined }
}

function checkMessage(frame: CommitFrame, nowUs: number): void {
  if (frame.tooBig) throw new RepoError('too_big', 'the sender left the blocks out')
  if (frame.blocks.length > frameLimits.commitBlocks)
    throw new RepoError('too_big', `blocks=${frame.blocks.length}`)
  if (frame.ops.length > frameLimits.ops) throw new RepoError('too_big', `ops=${frame.ops.length}`)
  checkRev(frame.rev, nowUs)
}

function checkRev(rev: string, nowUs: number): void {
  if (!isTid(rev)) throw new RepoError('bad_rev', `rev=${rev.slice(0, 40)}`)
  if (tidToTimeUs(rev) > nowUs + futureRevToleranceUs) throw new RepoError('future_rev', `rev=${rev}`)
}

function readRootCommit(car: BlockMap, frame: { did: string; rev: string }): Commit {
  const root = car.roots[0]!
  const block = car.get(root)
  if (!block) throw new RepoError('missing_block', `commit=${root}`)
  const commit = readCommit(block)
  if (commit.did !== frame.did) throw new RepoError('did_mismatch', `did=${commit.did.slice(0, 80)}`)
  if (commit.rev !== frame.rev) throw new RepoError('rev_mismatch', `rev=${commit.rev.slice(0, 40)}`)
  return commit
}

/** The shape of each operation, and that no two are for one record. */
function checkOps(ops: readonly CommitOp[]): void {
  for (const { action, cid, path } of ops) {
    if ((action === 'delete') !== (cid === null))
      throw new RepoError('bad_ops', `${action} ${path.slice(0, 80)}`)
  }
  if (ops.length > 1 && new Set(ops.map(op => op.path)).size !== ops.length) {
    throw new RepoError('bad_ops', 'two operations for one record')
  }
}

function prove(frame: CommitFrame, car: BlockMap, data: Cid): Proof {
  const load = loadFromCar(car)
  // A commit without operations, such as for a new key, is the commit alone: its tree is not there, and not needed.
  const root = frame.ops.length > 0 ? load(data.bytes, undefined) : undefined
  const invertible = frame.ops.every(op => op.action === 'create' || op.prev !== null)
  if (frame.prevData && invertible) {
    const before = root ? invertOps(root, frame.ops, load) : data.bytes
    if (equalBytes(before, frame.prevData.bytes)) return 'inverted'
    throw new RepoError('bad_proof', `undone=${new Cid(before)} prevData=${frame.prevData}`)
  }
  if (frame.since === null && invertible && leadsBackToNothing(root, frame.ops, load, data)) return 'inverted'
  if (root) checkInclusion(root, frame.ops, load)
  return 'included'
}

const emptyRoot = nodeCid(emptyTree())

/** A repository's first commit has no tree before it to name; it came from the empty one, or is not the first. */
function leadsBackToNothing(
  root: MstNode | undefined,
  ops: readonly CommitOp[],
  load: LoadNode,
  data: Cid,
): boolean {
  try {
    return equalBytes(root ? invertOps(root, ops, load) : data.bytes, emptyRoot)
  } catch (error) {
    if (error instanceof RepoError) return false
    throw error
  }
}
