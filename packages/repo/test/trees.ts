import * as fc from 'fast-check'
import { buildTree, Cid, cidOf, encodeCbor, keyLayer, type MstNode, nodeCid } from '../src/index.ts'

/** What a repository holds: the CID of the record at each path. */
export type Contents = ReadonlyMap<string, Cid>

const collections = ['app.bsky.feed.like', 'app.bsky.feed.post', 'com.example.a', 'com.example.ab']

/**
 * Paths for trees of every shape: keys of the lower layers as they come, and enough of the rare ones in layers up to
 * seven that small trees have gaps of several layers between neighbours.
 */
export const pool: readonly string[] = (() => {
  const wanted = [120, 90, 50, 30, 20, 10, 6, 4]
  const paths: string[] = []
  for (let i = 0; wanted.some(count => count > 0); i++) {
    const path = `${collections[i % collections.length]}/${i.toString(36)}`
    const layer = keyLayer(path)
    if ((wanted[layer] ?? 0) === 0) continue
    wanted[layer]!--
    paths.push(path)
  }
  return paths
})()

export const paths: fc.Arbitrary<string> = fc.constantFrom(...pool)

/** The CID of the record number `i`. */
export function recordCid(i: number): Cid {
  return cidOf(recordBytes(i))
}

export function recordBytes(i: number): Uint8Array {
  return encodeCbor({ $type: 'com.example.record', i })
}

const records = Array.from({ length: 8 }, (_, i) => recordCid(i))
export const values: fc.Arbitrary<Cid> = fc.constantFrom(...records)

export const contents: fc.Arbitrary<Contents> = fc
  .uniqueArray(fc.tuple(paths, values), { selector: ([path]) => path, maxLength: 120, size: 'max' })
  .map(entries => new Map(entries))

/** The tree of these contents, made in one go. */
export function treeOf(of: Contents): MstNode {
  const sorted = Array.from(of.keys()).toSorted()
  return buildTree(sorted.map(key => ({ key, value: of.get(key)!.bytes })))
}

export function rootOf(of: Contents): string {
  return new Cid(nodeCid(treeOf(of))).toString()
}

/** Every node of the tree of these contents, by CID, and the CID of the root. */
export function nodesOf(of: Contents): { root: Cid; nodes: Map<string, Uint8Array> } {
  const nodes = new Map<string, Uint8Array>()
  const root = new Cid(nodeCid(treeOf(of), (cid, bytes) => nodes.set(new Cid(cid).toString(), bytes)))
  return { root, nodes }
}
