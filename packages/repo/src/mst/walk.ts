import { RepoError } from '../errors.ts'
import { checkKey, type CidBytes, isNode, keyLayer, type MstChild, type MstNode, mstNode } from './node.ts'
import { emptyTree, type LoadNode } from './tree.ts'

/** A key of a tree and what it points to. */
export interface MstEntry {
  key: string
  value: CidBytes
}

/**
 * All entries of a tree in the order of their keys, loading one path at a time. It checks what a single node cannot
 * know: that every key stands in its layer, and that keys rise across nodes.
 *
 * @throws RepoError `mst_bad_node`, and what `load` throws
 */
export function* walkTree(root: MstNode, load: LoadNode): Generator<MstEntry> {
  let last = ''
  function* visit(node: MstNode): Generator<MstEntry> {
    for (let i = 0; i <= node.keys.length; i++) {
      const child = node.children[i]!
      if (child !== null) yield* visit(isNode(child) ? child : load(child, node.layer - 1))
      const key = node.keys[i]
      if (key === undefined) continue
      if (key <= last) throw new RepoError('mst_bad_node', `out of order; key=${key}`)
      if (keyLayer(key) !== node.layer) throw new RepoError('mst_bad_node', `in the wrong layer; key=${key}`)
      last = key
      yield { key, value: node.values[i]! }
    }
  }
  yield* visit(root)
}

/**
 * Builds a tree in one go from entries in the order of their keys; the same tree that adding them one by one gives.
 *
 * @throws RepoError `mst_bad_key` where they are not in order, or one cannot be a key
 */
export function buildTree(entries: readonly MstEntry[]): MstNode {
  const layers = entries.map(({ key }, i) => {
    checkKey(key)
    if (i > 0 && key <= entries[i - 1]!.key) throw new RepoError('mst_bad_key', `out of order; key=${key}`)
    return keyLayer(key)
  })

  function build(from: number, to: number, layer: number): MstChild {
    if (from === to) return null
    const keys: string[] = []
    const values: CidBytes[] = []
    const children: MstChild[] = []
    let start = from
    for (let i = from; i < to; i++) {
      if (layers[i] !== layer) continue
      children.push(build(start, i, layer - 1))
      keys.push(entries[i]!.key)
      values.push(entries[i]!.value)
      start = i + 1
    }
    children.push(build(start, to, layer - 1))
    return mstNode(layer, keys, values, children)
  }

  const top = layers.reduce((highest, layer) => Math.max(highest, layer), 0)
  const root = build(0, entries.length, top)
  return root !== null && isNode(root) ? root : emptyTree()
}
