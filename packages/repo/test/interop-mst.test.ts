import { describe, expect, it } from 'vitest'
import {
  addKey,
  buildTree,
  Cid,
  cidOf,
  commonPrefix,
  emptyTree,
  encodeCbor,
  keyLayer,
  loadFrom,
  nodeCid,
  nothingToLoad,
  walkTree,
} from '../src/index.ts'
import { interopJson, interopLines, hasSharedData, whySkipped } from './shared-data.ts'

describe.skipIf(!hasSharedData)(`interop: MST${whySkipped}`, () => {
  const heights = interopJson('mst/key_heights.json') as { key: string; height: number }[]
  it.each(heights)('"$key" stands in layer $height', ({ key, height }) => {
    expect(keyLayer(key)).toBe(height)
  })

  const prefixes = interopJson('mst/common_prefix.json') as { left: string; right: string; len: number }[]
  it.each(prefixes)('"$left" and "$right" share $len', ({ left, right, len }) => {
    expect(commonPrefix(left, right)).toBe(len)
  })

  // Each example is a letter and its layer, a slash, and a number.
  const keys = interopLines('mst/example_keys.txt')
  it('puts the example keys where their names say', () => {
    expect(keys).toHaveLength(156)
    expect(keys.map(keyLayer)).toEqual(keys.map(key => Number(key[1])))
  })

  it('builds the same tree of the example keys in any order, and walks them back', () => {
    const value = cidOf(encodeCbor({})).bytes
    const sorted = keys.toSorted()
    const blocks = new Map<string, Uint8Array>()
    const built = buildTree(sorted.map(key => ({ key, value })))
    const root = new Cid(nodeCid(built, (cid, bytes) => blocks.set(new Cid(cid).toString(), bytes)))

    const added = keys
      .toReversed()
      .reduce((tree, key) => addKey(tree, key, value, nothingToLoad), emptyTree())
    expect(new Cid(nodeCid(added)).toString()).toBe(root.toString())

    const load = loadFrom({ get: cid => blocks.get(cid.toString()) })
    expect(Array.from(walkTree(load(root.bytes, undefined), load), entry => entry.key)).toEqual(sorted)
  })

  it('has cases', () => {
    expect([heights.length, prefixes.length]).toEqual([9, 13])
  })
})
