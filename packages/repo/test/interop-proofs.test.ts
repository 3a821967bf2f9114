import { describe, expect, it } from 'vitest'
import {
  addKey,
  buildTree,
  Cid,
  type CommitOp,
  emptyTree,
  invertOps,
  loadFrom,
  type LoadNode,
  nodeCid,
  nothingToLoad,
  parseCid,
  removeKey,
} from '../src/index.ts'
import { refusal } from './refused.ts'
import { interopJson, hasSharedData, whySkipped } from './shared-data.ts'

interface ProofFixture {
  comment: string
  leafValue: string
  keys: string[]
  adds: string[]
  dels: string[]
  rootBeforeCommit: string
  rootAfterCommit: string
  blocksInProof: string[]
}

/**
 * Blocks that the proofs have for readers who look at both neighbours of a key. We take a neighbour over by its CID, so
 * without them the same root comes out.
 */
const spare: Record<string, string[]> = {
  'add on edge with neighbor two layers down': [
    'bafyreieazvzmba35p4phksumwfoklwe5o4ncmo7otud74idcyv4orrbzxi',
    'bafyreidicvcjgrpm5bmhm3ndh2ysqfhgzk4chwn3m4kuvwkenfusspb4uy',
  ],
}

describe.skipIf(!hasSharedData)(`interop: commit proofs${whySkipped}`, () => {
  const fixtures = interopJson('firehose/commit-proof-fixtures.json') as ProofFixture[]
  it('has cases', () => expect(fixtures).toHaveLength(6))

  describe.each(fixtures)('$comment', fixture => {
    const leaf = parseCid(fixture.leafValue)
    const { adds, dels } = fixture
    const ops: CommitOp[] = [
      ...adds.map(path => ({ action: 'create' as const, path, cid: leaf, prev: null })),
      ...dels.map(path => ({ action: 'delete' as const, path, cid: null, prev: leaf })),
    ]
    const before = buildTree(fixture.keys.toSorted().map(key => ({ key, value: leaf.bytes })))
    const added = adds.reduce((tree, key) => addKey(tree, key, leaf.bytes, nothingToLoad), before)
    const after = dels.reduce((tree, key) => removeKey(tree, key, nothingToLoad).root, added)

    // From nothing, so that every node is new and told of.
    const blocks = new Map<string, Uint8Array>()
    const keysAfter = fixture.keys.concat(adds).filter(key => !dels.includes(key))
    const whole = keysAfter.reduce((tree, key) => addKey(tree, key, leaf.bytes, nothingToLoad), emptyTree())
    nodeCid(whole, (cid, bytes) => blocks.set(new Cid(cid).toString(), bytes))

    /** A loader that has the blocks of the proof alone, without `missing`. */
    function loadProof(missing?: string): LoadNode {
      const has = (cid: string) => cid !== missing && fixture.blocksInProof.includes(cid)
      return loadFrom({ get: cid => (has(cid.toString()) ? blocks.get(cid.toString()) : undefined) })
    }
    function invert(load: LoadNode): string {
      return new Cid(
        invertOps(load(parseCid(fixture.rootAfterCommit).bytes, undefined), ops, load),
      ).toString()
    }

    it('has the root before', () =>
      expect(new Cid(nodeCid(before)).toString()).toBe(fixture.rootBeforeCommit))
    it('has the root after', () => expect(new Cid(nodeCid(after)).toString()).toBe(fixture.rootAfterCommit))
    it('has every block of the proof in the tree after', () => {
      expect(fixture.blocksInProof.filter(cid => !blocks.has(cid))).toEqual([])
    })
    it('is undone with the blocks of the proof alone', () =>
      expect(invert(loadProof())).toBe(fixture.rootBeforeCommit))

    it('needs the blocks of the proof, and notices when one is missing', () => {
      const notNeeded = fixture.blocksInProof.filter(cid => {
        const code = refusal(() => expect(invert(loadProof(cid))).toBe(fixture.rootBeforeCommit))
        expect(code ?? 'missing_block').toBe('missing_block')
        return code === undefined
      })
      expect(notNeeded).toEqual(spare[fixture.comment] ?? [])
    })
  })
})
