import { Cid } from '../cid.ts'
import { RepoError } from '../errors.ts'
import {
  checkKey,
  type CidBytes,
  isNode,
  keyLayer,
  type MstChild,
  type MstNode,
  mstNode,
  readMstNode,
  withChild,
  withValue,
} from './node.ts'

/**
 * Loads the node with this CID, in this layer; undefined stands for a root, whose layer its keys tell.
 *
 * @throws RepoError `missing_block` where it is not to be had
 */
export type LoadNode = (cid: CidBytes, layer: number | undefined) => MstNode

/** For trees that are in memory as a whole: asking for anything more is a mistake. */
export const nothingToLoad: LoadNode = cid => {
  throw new RepoError('missing_block', `node=${new Cid(cid)}`)
}

/** The tree of an empty repository. */
export function emptyTree(): MstNode {
  return mstNode(0, [], [], [null])
}

/** A loader over blocks that are found by CID, such as a `BlockMap`. */
export function loadFrom(blocks: { get(cid: Cid): Uint8Array | undefined }): LoadNode {
  return (cid, layer) => {
    const bytes = blocks.get(new Cid(cid))
    if (!bytes) throw new RepoError('missing_block', `node=${new Cid(cid)}`)
    const node = readMstNode(bytes, 0, bytes.length, layer)
    node.cid = cid
    return node
  }
}

/** The value of a key, or undefined. Loads the nodes on the way. */
export function getKey(root: MstNode, key: string, load: LoadNode): CidBytes | undefined {
  let node = root
  for (;;) {
    const i = lowerBound(node.keys, key)
    if (node.keys[i] === key) return node.values[i]
    const child = node.children[i]!
    if (child === null) return undefined
    node = loadChild(child, node.layer, load)
  }
}

/**
 * The tree with one key more.
 *
 * @throws RepoError `mst_key_exists`, `mst_bad_key`, and what `load` throws
 */
export function addKey(root: MstNode, key: string, value: CidBytes, load: LoadNode): MstNode {
  checkKey(key)
  const layer = keyLayer(key)
  if (root.keys.length === 0 && root.children[0] === null) {
    return mstNode(layer, [key], [value], [null, null])
  }
  if (layer <= root.layer) return addBelow(root, key, value, layer, load)

  const [left, right] = split(root, key, root.layer + 1, load)
  const children = [raise(left, root.layer, layer - 1), raise(right, root.layer, layer - 1)]
  return mstNode(layer, [key], [value], children)
}

/**
 * The tree with another value for a key, and the value it had.
 *
 * @throws RepoError `mst_key_missing`, and what `load` throws
 */
export function replaceKey(
  root: MstNode,
  key: string,
  value: CidBytes,
  load: LoadNode,
): { root: MstNode; was: CidBytes } {
  const i = lowerBound(root.keys, key)
  if (root.keys[i] === key) {
    const was = root.values[i]!
    return { root: withValue(root, i, value), was }
  }
  const child = root.children[i]!
  if (child === null) throw new RepoError('mst_key_missing', `key=${key}`)
  const below = replaceKey(loadChild(child, root.layer, load), key, value, load)
  return { root: withChild(root, i, below.root), was: below.was }
}

/**
 * The tree without a key, and the value it had.
 *
 * @throws RepoError `mst_key_missing`, and what `load` throws
 */
export function removeKey(root: MstNode, key: string, load: LoadNode): { root: MstNode; was: CidBytes } {
  const removed = removeBelow(root, key, load)
  // A top without keys gives way to what is below it.
  let top = removed.node ?? emptyTree()
  for (;;) {
    const only = top.children[0]!
    if (top.keys.length > 0 || only === null) return { root: top, was: removed.was }
    top = loadChild(only, top.layer, load)
  }
}

function addBelow(node: MstNode, key: string, value: CidBytes, layer: number, load: LoadNode): MstNode {
  const i = lowerBound(node.keys, key)
  if (node.keys[i] === key) throw new RepoError('mst_key_exists', `key=${key}`)
  const child = node.children[i]!
  if (layer === node.layer) {
    const halves = split(child, key, node.layer, load)
    return mstNode(
      layer,
      node.keys.toSpliced(i, 0, key),
      node.values.toSpliced(i, 0, value),
      node.children.toSpliced(i, 1, ...halves),
    )
  }
  const below =
    child === null
      ? raise(mstNode(layer, [key], [value], [null, null]), layer, node.layer - 1)
      : addBelow(loadChild(child, node.layer, load), key, value, layer, load)
  return withChild(node, i, below)
}

function removeBelow(node: MstNode, key: string, load: LoadNode): { node: MstNode | null; was: CidBytes } {
  const i = lowerBound(node.keys, key)
  if (node.keys[i] === key) {
    const merged = merge(node.children[i]!, node.children[i + 1]!, node.layer, load)
    const left = mstNode(
      node.layer,
      node.keys.toSpliced(i, 1),
      node.values.toSpliced(i, 1),
      node.children.toSpliced(i, 2, merged),
    )
    return { node: orNull(left), was: node.values[i]! }
  }
  const child = node.children[i]!
  if (child === null) throw new RepoError('mst_key_missing', `key=${key}`)
  const below = removeBelow(loadChild(child, node.layer, load), key, load)
  return { node: orNull(withChild(node, i, below.node)), was: below.was }
}

/** Parts a subtree of a node in `parentLayer` into what comes before `key` and what comes behind it. */
function split(child: MstChild, key: string, parentLayer: number, load: LoadNode): [MstChild, MstChild] {
  if (child === null) return [null, null]
  const node = loadChild(child, parentLayer, load)
  const i = lowerBound(node.keys, key)
  if (node.keys[i] === key) throw new RepoError('mst_bad_node', 'a key is in two layers')
  const [left, right] = split(node.children[i]!, key, node.layer, load)
  // A side that takes nothing over is the node as it was, with its CID.
  if (i === node.keys.length && right === null) return [child, null]
  if (i === 0 && left === null) return [null, child]
  const before = mstNode(node.layer, node.keys.slice(0, i), node.values.slice(0, i), [
    ...node.children.slice(0, i),
    left,
  ])
  const behind = mstNode(node.layer, node.keys.slice(i), node.values.slice(i), [
    right,
    ...node.children.slice(i + 1),
  ])
  return [orNull(before), orNull(behind)]
}

/** Joins two neighbouring subtrees of a node in `parentLayer`. */
function merge(left: MstChild, right: MstChild, parentLayer: number, load: LoadNode): MstChild {
  if (left === null) return right
  if (right === null) return left
  const a = loadChild(left, parentLayer, load)
  const b = loadChild(right, parentLayer, load)
  const middle = merge(a.children.at(-1)!, b.children[0]!, a.layer, load)
  return mstNode(
    a.layer,
    [...a.keys, ...b.keys],
    [...a.values, ...b.values],
    [...a.children.slice(0, -1), middle, ...b.children.slice(1)],
  )
}

/** Puts keyless nodes above a subtree until it stands in layer `to`. */
function raise(child: MstChild, from: number, to: number): MstChild {
  let raised = child
  if (raised !== null) {
    for (let layer = from + 1; layer <= to; layer++) {
      raised = mstNode(layer, [], [], [raised])
    }
  }
  return raised
}

function loadChild(child: MstNode | CidBytes, parentLayer: number, load: LoadNode): MstNode {
  // Layers fall by one at each step down, which bounds every walk whatever the blocks say.
  if (parentLayer === 0) throw new RepoError('mst_bad_node', 'a leaf has children')
  return isNode(child) ? child : load(child, parentLayer - 1)
}

function orNull(node: MstNode): MstNode | null {
  return node.keys.length === 0 && node.children[0] === null ? null : node
}

/** The first index whose key is not before `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
