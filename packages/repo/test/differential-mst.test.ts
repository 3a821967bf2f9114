import { MemoryBlockstore, MST } from '@atproto/repo'
import * as fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import {
  addKey,
  Cid,
  emptyTree,
  encodeMstNode,
  getKey,
  loadFrom,
  type MstNode,
  nodeCid,
  nothingToLoad,
  readMstNode,
  removeKey,
  replaceKey,
  walkTree,
} from '../src/index.ts'
import { refusal } from './refused.ts'
import { runs } from './runs.ts'
import { contents, type Contents, nodesOf, paths, pool, recordCid, rootOf, values } from './trees.ts'

type Step = readonly [path: string, value: Cid | null]

/** Steps over few paths, so that most paths come up again: put, put again, remove. */
const histories: fc.Arbitrary<Step[]> = fc
  .uniqueArray(paths, { minLength: 1, maxLength: 25, size: 'max' })
  .chain(few =>
    fc.array(fc.tuple(fc.constantFrom(...few), fc.option<Cid>(values)), {
      maxLength: 60,
      size: 'max',
    }),
  )

function text(root: MstNode): string {
  return new Cid(nodeCid(root)).toString()
}

/** Our tree after a history, and what it must hold. Each step is tried as what fits what is there, and as what does not. */
function play(steps: readonly Step[]): { tree: MstNode; holds: Contents } {
  const holds = new Map<string, Cid>()
  const wrong: string[] = []
  let tree = emptyTree()
  for (const [path, value] of steps) {
    const was = holds.get(path)
    const add = () => addKey(tree, path, (value ?? recordCid(0)).bytes, nothingToLoad)
    const replace = () => replaceKey(tree, path, (value ?? recordCid(0)).bytes, nothingToLoad)
    const remove = () => removeKey(tree, path, nothingToLoad)
    if (was === undefined) {
      if (refusal(replace) !== 'mst_key_missing' || refusal(remove) !== 'mst_key_missing') wrong.push(path)
      if (value !== null) tree = add()
    } else {
      if (refusal(add) !== 'mst_key_exists') wrong.push(path)
      const step = value === null ? remove() : replace()
      if (!new Cid(step.was).equals(was)) wrong.push(path)
      tree = step.root
    }
    if (value === null) holds.delete(path)
    else holds.set(path, value)
  }
  expect(wrong).toEqual([])
  return { tree, holds }
}

async function playTheirs(steps: readonly Step[]): Promise<string> {
  const has = new Set<string>()
  let tree = await MST.create(new MemoryBlockstore())
  for (const [path, value] of steps) {
    if (value === null) {
      if (has.delete(path)) tree = await tree.delete(path)
      // Their tree remembers its height when it loses its last key, and then builds on that: it is not so when loaded anew.
      if (has.size === 0) tree = await MST.create(new MemoryBlockstore())
    } else {
      const cid = CID.decode(value.bytes)
      tree = has.has(path) ? await tree.update(path, cid) : await tree.add(path, cid)
      has.add(path)
    }
  }
  return (await tree.getPointer()).toString()
}

describe('a tree after any history', () => {
  it('has the root that @atproto/repo comes to', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async steps => {
        expect(text(play(steps).tree)).toBe(await playTheirs(steps))
      }),
      runs(150),
    )
  })

  it('depends on what it holds, not on how it came to', () => {
    fc.assert(
      fc.property(histories, steps => {
        const { tree, holds } = play(steps)
        expect(text(tree)).toBe(rootOf(holds))
      }),
      runs(500),
    )
  })

  it('comes back when it is loaded node by node', () => {
    fc.assert(
      fc.property(contents, of => {
        const { root, nodes } = nodesOf(of)
        const load = loadFrom({ get: cid => nodes.get(cid.toString()) })
        const tree = load(root.bytes, undefined)
        const walked = Array.from(walkTree(tree, load), ({ key, value }) => `${key} ${new Cid(value)}`)
        expect(walked).toEqual(Array.from(of, ([key, value]) => `${key} ${value}`).toSorted())
        for (const path of pool.slice(0, 40)) {
          const value = getKey(tree, path, load)
          expect(value && new Cid(value).toString()).toBe(of.get(path)?.toString())
        }
      }),
      runs(200),
    )
  })

  it('changes the same whether its nodes are in memory or loaded on the way', () => {
    fc.assert(
      fc.property(contents, histories, (of, steps) => {
        const { root, nodes } = nodesOf(of)
        const load = loadFrom({ get: cid => nodes.get(cid.toString()) })
        const holds = new Map(of)
        let tree = load(root.bytes, undefined)
        for (const [path, value] of steps) {
          if (value === null) {
            if (holds.delete(path)) tree = removeKey(tree, path, load).root
          } else {
            tree = holds.has(path)
              ? replaceKey(tree, path, value.bytes, load).root
              : addKey(tree, path, value.bytes, load)
            holds.set(path, value)
          }
        }
        const fresh = nodesOf(holds)
        // Nodes of which one CID changed are made of the blocks they were; they must be what others encode.
        const changed = nodeCid(tree, (cid, bytes) => {
          expect(Buffer.compare(bytes, fresh.nodes.get(new Cid(cid).toString())!)).toBe(0)
        })
        expect(new Cid(changed).toString()).toBe(fresh.root.toString())
      }),
      runs(200),
    )
  })

  it('has nodes that read back to the same bytes, and that @atproto/repo reads', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async of => {
        const { root, nodes } = nodesOf(of)
        const storage = new MemoryBlockstore()
        for (const [cid, bytes] of nodes) {
          expect(Buffer.from(encodeMstNode(readMstNode(bytes, 0, bytes.length, 99))).equals(bytes)).toBe(true)
          await storage.putBlock(CID.parse(cid), bytes)
        }
        const leaves = await MST.load(storage, CID.decode(root.bytes)).leaves()
        expect(leaves.map(leaf => `${leaf.key} ${leaf.value}`)).toEqual(
          Array.from(of, ([key, value]) => `${key} ${value}`).toSorted(),
        )
      }),
      runs(60),
    )
  })
})

it('the tree of an empty repository is the one that everybody has', () => {
  expect(text(emptyTree())).toBe('bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm')
})
