import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkInclusion,
  Cid,
  cidOf,
  type CommitOp,
  generateSigningKey,
  invertOps,
  loadFrom,
  loadFromCar,
  type LoadNode,
  parsePublicKey,
  readCar,
  sha256,
  verifyCommit,
  writeCar,
} from '../src/index.ts'
import { apply, type Change, makeCommit, nowUs } from './commits.ts'
import { refusal } from './refused.ts'
import { runs } from './runs.ts'
import { contents, type Contents, nodesOf, paths, pool, recordCid, rootOf } from './trees.ts'

/** Contents, and changes to them: of paths that are there and of some that are not. */
const changed: fc.Arbitrary<{ before: Contents; changes: Change[] }> = contents.chain(before => {
  const there = before.size > 0 ? fc.constantFrom(...before.keys()) : paths
  const path = fc.oneof(there, there, paths)
  return fc.record({
    before: fc.constant(before),
    changes: fc
      .uniqueArray(fc.record({ path, to: fc.option(fc.nat(7), { nil: undefined }) }), {
        selector: change => change.path,
        maxLength: 20,
        size: 'max',
      })
      .map(list => list.filter(({ path: at, to }) => to !== undefined || before.has(at))),
  })
})

/** A loader of these nodes that notes which it was asked for. */
function noting(nodes: ReadonlyMap<string, Uint8Array>): { load: LoadNode; asked: Set<string> } {
  const asked = new Set<string>()
  const load = loadFrom({
    get: cid => {
      asked.add(cid.toString())
      return nodes.get(cid.toString())
    },
  })
  return { load, asked }
}

function invert(root: Cid, ops: readonly CommitOp[], load: LoadNode): string {
  return new Cid(invertOps(load(root.bytes, undefined), ops, load)).toString()
}

/** Some other order of paths than their own. */
function recordOrder(path: string): number {
  return sha256(Buffer.from(path))[0]!
}

describe('invertOps', () => {
  it('comes back to the root before, with no more than it needs', () => {
    fc.assert(
      fc.property(changed, ({ before, changes }) => {
        const { after, ops } = apply(before, changes)
        const { root, nodes } = nodesOf(after)
        const { load, asked } = noting(nodes)
        expect(invert(root, ops, load)).toBe(rootOf(before))

        // What it asked for is enough, in whatever order the operations come; without any one of them, it says so.
        const kept = new Map(Array.from(asked, cid => [cid, nodes.get(cid)!]))
        const shuffled = ops.toSorted((a, b) => recordOrder(a.path) - recordOrder(b.path))
        expect(invert(root, ops, noting(kept).load)).toBe(rootOf(before))
        expect(invert(root, shuffled, noting(kept).load)).toBe(rootOf(before))
        for (const cid of asked) {
          const less = new Map(kept)
          less.delete(cid)
          expect(refusal(() => invert(root, ops, noting(less).load))).toBe('missing_block')
        }
      }),
      runs(250),
    )
  })

  it('does not come back where an operation is left out, made up or not what happened', () => {
    fc.assert(
      fc.property(changed, fc.nat(), paths, fc.nat(7), ({ before, changes }, pick, madeUp, i) => {
        const { after, ops } = apply(before, changes)
        // A change that sets what was there already is none, and may be left out.
        fc.pre(ops.length > 0 && ops.every(op => !op.cid || !op.prev?.equals(op.cid)))
        const { root, nodes } = nodesOf(after)
        const { load } = noting(nodes)
        const at = pick % ops.length
        const op = ops[at]!
        const other = recordCid(100 + i)
        const lies: CommitOp[][] = [ops.toSpliced(at, 1), ops.with(at, { ...op, path: `${op.path}x` })]
        if (op.cid) lies.push(ops.with(at, { ...op, cid: other }))
        if (op.prev) lies.push(ops.with(at, { ...op, prev: other }))
        if (op.action === 'update') lies.push(ops.with(at, { ...op, action: 'create', prev: null }))
        if (!ops.some(({ path }) => path === madeUp)) {
          lies.push([...ops, { action: 'create', path: madeUp, cid: other, prev: null }])
          lies.push([...ops, { action: 'delete', path: madeUp, cid: null, prev: other }])
        }
        for (const lie of lies) {
          const code = refusal(() => expect(invert(root, lie, load)).not.toBe(rootOf(before)))
          expect([undefined, 'bad_proof']).toContain(code)
        }
      }),
      runs(250),
    )
  })

  it('asks for the prev of an update and a delete', () => {
    const { root, nodes } = nodesOf(new Map([[pool[0]!, recordCid(1)]]))
    const { load } = noting(nodes)
    const update: CommitOp = { action: 'update', path: pool[0]!, cid: recordCid(1), prev: null }
    expect(refusal(() => invert(root, [update], load))).toBe('bad_ops')
    const gone: CommitOp = { action: 'delete', path: pool[1]!, cid: null, prev: null }
    expect(refusal(() => invert(root, [gone], load))).toBe('bad_ops')
  })
})

describe('checkInclusion', () => {
  it('takes what is in the tree after, and nothing else', () => {
    fc.assert(
      fc.property(changed, fc.nat(), ({ before, changes }, pick) => {
        const { after, ops } = apply(before, changes)
        const { root, nodes } = nodesOf(after)
        const { load } = noting(nodes)
        const check = (list: readonly CommitOp[]) =>
          refusal(() => checkInclusion(load(root.bytes, undefined), list, load))
        expect(check(ops)).toBeUndefined()
        fc.pre(ops.length > 0)

        const at = pick % ops.length
        const op = ops[at]!
        const gone: CommitOp = { ...op, action: 'delete', cid: null }
        const there: CommitOp = { ...op, action: 'create', cid: recordCid(100) }
        expect(check(ops.with(at, there))).toBe('bad_proof')
        expect(check(ops.with(at, gone))).toBe(op.cid ? 'bad_proof' : undefined)
      }),
      runs(300),
    )
  })
})

describe('a path that is not ASCII', () => {
  const key = generateSigningKey()
  const options = { key: parsePublicKey(key.multikey), nowUs, checks: 'full' } as const
  const [kept, gone] = ['app.bsky.feed.post/aaa', 'app.bsky.feed.post/bbb'] as const
  const before = new Map([kept, gone].map(path => [path, recordCid(1)]))
  // The last three characters are `b` in their lower byte.
  const lookalike = 'app.bsky.feed.post/\u0162\u0162\u0162'

  it('does not pass for the ASCII one that its lower bytes spell', () => {
    const ops = [{ action: 'delete', path: lookalike, cid: null, prev: recordCid(1) }]
    const { frame } = makeCommit({ before, changes: [{ path: gone, to: undefined }], key, lie: { ops } })
    expect(refusal(() => verifyCommit(frame, options))).toBe('bad_proof')
  })

  it('stands in the tree under its UTF-8, and is proven like any other', () => {
    // A tree has bytes for keys, and here they are given one a character.
    const utf8 = Buffer.from(lookalike).toString('latin1')
    const ops = [{ action: 'create', path: lookalike, cid: recordCid(1) }]
    const { frame } = makeCommit({ before, changes: [{ path: utf8, to: 1 }], key, lie: { ops } })
    expect(verifyCommit(frame, options).proof).toBe('inverted')
    const { prevData, ...rest } = frame
    expect(prevData).toBeDefined()
    expect(verifyCommit({ ...rest, prevData: undefined }, options).proof).toBe('included')
  })
})

describe('loadFromCar', () => {
  const { root, nodes } = nodesOf(new Map(pool.slice(0, 60).map(path => [path, recordCid(1)])))
  const car = readCar(
    writeCar(
      root,
      Array.from(nodes.values(), bytes => ({ cid: cidOf(bytes), bytes })),
    ),
  )
  const load = loadFromCar(car)

  it('reads each node once', () => {
    expect(load(root.bytes, undefined)).toBe(load(root.bytes, undefined))
    expect(load(root.bytes, 9)).toBe(load(root.bytes, 9))
  })

  it('takes each layer as it is told', () => {
    expect([load(root.bytes, 9).layer, load(root.bytes, 8).layer, load(root.bytes, undefined).layer]).toEqual(
      [9, 8, 4],
    )
  })

  it('says what is not there', () => {
    expect(refusal(() => load(recordCid(9).bytes, 1))).toBe('missing_block')
  })
})
