import type { BlockMap } from './car/read.ts'
import { equalBytes } from './bytes.ts'
import { Cid } from './cid.ts'
import { RepoError } from './errors.ts'
import type { CommitOp } from './frame/types.ts'
import { type CidBytes, keyOfPath, type MstNode, nodeCid, readMstNode } from './mst/node.ts'
import { addKey, getKey, type LoadNode, removeKey, replaceKey } from './mst/tree.ts'

/**
 * A loader of tree nodes from a CAR whose blocks were hashed already.
 *
 * @throws RepoError `missing_block`, `mst_bad_node` (from the loader)
 */
export function loadFromCar(car: BlockMap): LoadNode {
  // Each operation walks down from the root, and a hostile node is as large as the CAR: each is read once.
  const known = new Map<number, MstNode>()
  return (cid, layer) => {
    const block = car.find(cid, 0)
    if (block < 0) throw new RepoError('missing_block', `node=${new Cid(cid)}`)
    const key = block * 256 + (layer ?? 255)
    let node = known.get(key)
    if (!node) {
      node = readMstNode(car.bytes, car.start(block), car.end(block), layer)
      node.cid = cid
      known.set(key, node)
    }
    return node
  }
}

/**
 * Undoes operations on a tree and answers the root that it had before: creates are taken out, updates set back, deletes
 * put in again. If that root is the one the account had, the operations are true and there are no others.
 *
 * @throws RepoError `bad_proof` where an operation does not fit the tree, `bad_ops` where one lacks its `prev`,
 *   `missing_block` where the proof is not complete
 * @see https://github.com/bluesky-social/proposals/tree/main/0006-sync-iteration
 */
export function invertOps(root: MstNode, ops: readonly CommitOp[], load: LoadNode): CidBytes {
  let tree = root
  // Deletes first, then by path: the order that senders choose the blocks of a proof for.
  for (const op of ops.toSorted(inverseOrder)) tree = invertOp(tree, op, load)
  return nodeCid(tree)
}

/**
 * Checks, without knowing the tree before, that the operations are in the tree after: what they set is there, what they
 * delete is not. It proves that each is true, not that there are no others.
 *
 * @throws RepoError `bad_proof`, `missing_block`
 */
export function checkInclusion(root: MstNode, ops: readonly CommitOp[], load: LoadNode): void {
  for (const op of ops) {
    const value = getKey(root, keyOfPath(op.path), load)
    const fits =
      op.cid === null ? value === undefined : value !== undefined && equalBytes(value, op.cid.bytes)
    if (!fits) throw new RepoError('bad_proof', `${op.action} ${op.path.slice(0, 80)} is not in the tree`)
  }
}

function invertOp(tree: MstNode, op: CommitOp, load: LoadNode): MstNode {
  if (op.action !== 'create' && op.prev === null) throw new RepoError('bad_ops', `${op.action} has no prev`)
  const key = keyOfPath(op.path)
  try {
    if (op.action === 'delete') return addKey(tree, key, op.prev!.bytes, load)
    const undone =
      op.action === 'create' ? removeKey(tree, key, load) : replaceKey(tree, key, op.prev!.bytes, load)
    if (op.cid !== null && equalBytes(undone.was, op.cid.bytes)) return undone.root
  } catch (error) {
    const code = error instanceof RepoError ? error.code : undefined
    if (code !== 'mst_key_exists' && code !== 'mst_key_missing' && code !== 'mst_bad_key') throw error
  }
  throw new RepoError('bad_proof', `${op.action} ${op.path.slice(0, 80)} does not fit the tree`)
}

function inverseOrder(a: CommitOp, b: CommitOp): number {
  const rank = Number(b.action === 'delete') - Number(a.action === 'delete')
  if (rank !== 0) return rank
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}
