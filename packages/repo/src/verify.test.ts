import { describe, expect, it } from 'vitest'
import { type Change, did, makeCommit, nowUs, rev } from '../test/commits.ts'
import { refusal } from '../test/refused.ts'
import { nodesOf, pool, recordBytes, recordCid } from '../test/trees.ts'
import { readCar } from './car/read.ts'
import { type Block, writeCar } from './car/write.ts'
import { cidOf } from './cid.ts'
import { signCommit } from './commit.ts'
import { type CommitFrame, frameLimits, type SyncFrame } from './frame/types.ts'
import { parsePublicKey } from './keys.ts'
import { generateSigningKey } from './signing.ts'
import { tidFromTimeUs } from './tid.ts'
import { futureRevToleranceUs, verifyCommit, verifySync } from './verify.ts'

const signing = generateSigningKey()
const key = parsePublicKey(signing.multikey)
const before = new Map(pool.slice(0, 30).map(path => [path, recordCid(1)]))
const changes: Change[] = [
  { path: pool[0]!, to: 2 },
  { path: pool[1]!, to: undefined },
  { path: pool[40]!, to: 3 },
]
const options = { key, nowUs, checks: 'full' } as const

function frameWith(
  lie: Partial<Record<string, unknown>> = {},
  list: readonly Change[] = changes,
): CommitFrame {
  return makeCommit({ before, changes: list, key: signing, lie }).frame
}

function code(
  frame: CommitFrame,
  with_: Partial<Parameters<typeof verifyCommit>[1]> = {},
): string | undefined {
  return refusal(() => verifyCommit(frame, { ...options, ...with_ }))
}

/** The frame with its blocks as `change` makes them. */
function withBlocks(frame: CommitFrame, change: (blocks: Block[]) => Block[]): CommitFrame {
  const car = readCar(frame.blocks)
  const blocks = Array.from({ length: car.size }, (_, i): Block => {
    return { cid: car.cid(i), bytes: car.bytes.subarray(car.start(i), car.end(i)) }
  })
  return { ...frame, blocks: writeCar(car.roots[0]!, change(blocks)) }
}

describe('verifyCommit', () => {
  it('answers what was proven, the tree, and the blocks', () => {
    const { car, data, proof, signed } = verifyCommit(frameWith(), options)
    expect([proof, signed]).toEqual(['inverted', true])
    const after = new Map(before).set(pool[0]!, recordCid(2)).set(pool[40]!, recordCid(3))
    after.delete(pool[1]!)
    expect(data.equals(nodesOf(after).root)).toBe(true)
    expect(Buffer.compare(car.get(recordCid(3))!, recordBytes(3))).toBe(0)
  })

  it('says that nothing was signed where it was given no key', () => {
    const { proof, signed } = verifyCommit(frameWith(), { nowUs, checks: 'full' })
    expect([proof, signed]).toEqual(['inverted', false])
  })

  it('takes blocks in any order, twice, and more than it needs', () => {
    const more = { cid: recordCid(99), bytes: recordBytes(99) }
    const frame = withBlocks(frameWith(), blocks => [more, ...blocks.toReversed(), ...blocks])
    expect(verifyCommit(frame, options).proof).toBe('inverted')
  })

  it('opens and believes a commit where nothing is to be checked', () => {
    const frame = frameWith()
    const blocks = frame.blocks.slice()
    blocks[blocks.length - 1]! ^= 1
    expect(code({ ...frame, blocks })).toBe('hash_mismatch')
    const believed = verifyCommit({ ...frame, blocks }, { ...options, checks: 'none' })
    expect([believed.proof, believed.signed]).toEqual(['unchecked', false])
    expect(code({ ...frame, did: 'did:web:other.example' }, { checks: 'none' })).toBe('did_mismatch')
  })

  it('takes a commit without operations, which is the commit alone', () => {
    const { root } = nodesOf(before)
    const commit = signCommit({ did, rev, data: root }, signing)
    const alone = { ...frameWith({}, []), commit: commit.cid, blocks: writeCar(commit.cid, [commit]) }
    expect(verifyCommit(alone, options).proof).toBe('inverted')
    expect(code({ ...alone, prevData: recordCid(1) })).toBe('bad_proof')
    expect(verifyCommit({ ...alone, prevData: undefined }, options).proof).toBe('included')
  })

  it('takes the first commit of an account, onto nothing', () => {
    const first = makeCommit({ before: new Map(), changes: [{ path: pool[0]!, to: 1 }], key: signing })
    expect(verifyCommit(first.frame, options).proof).toBe('inverted')
    // There is no tree to name, and so it need not: its operations lead back to the empty one.
    const unnamed = { ...first.frame, prevData: undefined }
    expect(verifyCommit(unnamed, options).proof).toBe('inverted')
    expect(verifyCommit({ ...unnamed, since: rev }, options).proof).toBe('included')
    expect(verifyCommit({ ...unnamed, ops: [] }, options).proof).toBe('included')
    expect(code({ ...unnamed, ops: [{ ...unnamed.ops[0]!, cid: recordCid(5) }] })).toBe('bad_proof')
    const nothing = makeCommit({ before: new Map(), changes: [], key: signing })
    expect(verifyCommit({ ...nothing.frame, prevData: undefined }, options).proof).toBe('inverted')
    const empty = makeCommit({
      before,
      changes: Array.from(before.keys(), path => ({ path, to: undefined })),
      key: signing,
    })
    expect(verifyCommit(empty.frame, options).proof).toBe('inverted')
  })

  it('includes, and does not prove, what a sender from before Sync 1.1 says', () => {
    const frame = frameWith()
    expect(verifyCommit({ ...frame, prevData: undefined }, options).proof).toBe('included')
    const ops = frame.ops.map(op => Object.assign({ ...op }, { prev: null }))
    expect(verifyCommit({ ...frame, ops }, options).proof).toBe('included')
    // A create has no `prev`, and is proven without.
    expect(verifyCommit(frameWith({}, [changes[2]!]), options).proof).toBe('inverted')
    const left = { ...frame, prevData: undefined, ops: frame.ops.slice(1) }
    expect(verifyCommit(left, options).proof).toBe('included')
  })

  const other = 'did:web:other.example'
  const late = tidFromTimeUs(nowUs + futureRevToleranceUs + 1, 0)
  it.each([
    ['the sender leaving the blocks out', frameWith({ tooBig: true }), 'too_big'],
    ['a rebase', frameWith({ rebase: true }), 'too_big'],
    [
      'blocks beyond the limit',
      { ...frameWith(), blocks: new Uint8Array(frameLimits.commitBlocks + 1) },
      'too_big',
    ],
    [
      'operations beyond the limit',
      { ...frameWith(), ops: Array.from({ length: 201 }, () => frameWith().ops[0]!) },
      'too_big',
    ],
    ['a rev that is no TID', frameWith({ rev: 'now' }), 'bad_rev'],
    ['a rev of more than five minutes ahead', frameWith({ rev: late }), 'future_rev'],
    ['a commit that is not the root', frameWith({ commit: recordCid(1) }), 'cid_mismatch'],
    ['another account', frameWith({ repo: other }), 'did_mismatch'],
    ['another rev', frameWith({ rev: '3mptbypluud2b' }), 'rev_mismatch'],
    ['the commit not being there', withBlocks(frameWith(), blocks => blocks.slice(1)), 'missing_block'],
    [
      'the root of the tree not being there',
      withBlocks(frameWith(), blocks => blocks.toSpliced(1, 1)),
      'missing_block',
    ],
    ['a commit that is a record', recordAsCommit(), 'commit_bad'],
    ['no blocks', { ...frameWith(), blocks: new Uint8Array(0) }, 'car_bad_header'],
    ['another tree before', frameWith({ prevData: recordCid(1) }), 'bad_proof'],
    ['a create without a CID', withOp(2, { cid: null }), 'bad_ops'],
    ['an update without a CID', withOp(0, { cid: null }), 'bad_ops'],
    ['a delete with a CID', withOp(1, { cid: recordCid(1) }), 'bad_ops'],
    [
      'two operations for one record',
      { ...frameWith(), ops: [...frameWith().ops, frameWith().ops[0]!] },
      'bad_ops',
    ],
    ['an operation that did not happen', withOp(2, { path: pool[41]! }), 'bad_proof'],
    ['an operation left out', { ...frameWith(), ops: frameWith().ops.slice(1) }, 'bad_proof'],
    ['another record', withOp(2, { cid: recordCid(1) }), 'bad_proof'],
    ['another record before', withOp(0, { prev: recordCid(5) }), 'bad_proof'],
  ])('refuses %s', (_, frame, expected) => {
    expect(code(frame)).toBe(expected)
  })

  it('refuses the signature of another key, and asks for it only where it checks', () => {
    const otherKey = parsePublicKey(generateSigningKey('p256').multikey)
    expect(code(frameWith(), { key: otherKey })).toBe('bad_signature')
    expect(code(frameWith(), { key: otherKey, checks: 'none' })).toBeUndefined()
  })

  it('takes a rev of up to five minutes ahead', () => {
    const at = Math.floor(nowUs / 2)
    const soon = tidFromTimeUs(at + futureRevToleranceUs, 0)
    // Signed with another rev: the time is checked before that.
    expect(code(frameWith({ rev: soon }), { nowUs: at })).toBe('rev_mismatch')
    expect(code(frameWith({ rev: soon }), { nowUs: at - 1 })).toBe('future_rev')
  })
})

describe('verifySync', () => {
  const commit = signCommit({ did, rev, data: recordCid(1) }, signing)
  const sync: SyncFrame = { kind: 'sync', seq: 1, did, rev, blocks: writeCar(commit.cid, [commit]), time: '' }

  it('answers the tree', () => {
    const { data, signed } = verifySync(sync, options)
    expect([data.toString(), signed]).toEqual([recordCid(1).toString(), true])
    expect(verifySync(sync, { nowUs, checks: 'full' }).signed).toBe(false)
    expect(verifySync(sync, { ...options, checks: 'none' }).signed).toBe(false)
  })

  it.each([
    ['blocks beyond the limit', { ...sync, blocks: new Uint8Array(frameLimits.commitBlocks + 1) }, 'too_big'],
    ['a rev that is no TID', { ...sync, rev: '' }, 'bad_rev'],
    ['a rev that is far ahead', { ...sync, rev: '7777777777777' }, 'future_rev'],
    ['another rev', { ...sync, rev: '3mptbypluud2b' }, 'rev_mismatch'],
    ['another account', { ...sync, did: 'did:web:other.example' }, 'did_mismatch'],
    ['a CAR without its root', { ...sync, blocks: writeCar(commit.cid, []) }, 'missing_block'],
    [
      'a block that is not what its CID says',
      { ...sync, blocks: sync.blocks.with(sync.blocks.length - 1, 0xff) },
      'hash_mismatch',
    ],
  ])('refuses %s', (_, frame, expected) => {
    expect(refusal(() => verifySync(frame, options))).toBe(expected)
  })

  it('refuses the signature of another key', () => {
    const otherKey = parsePublicKey(generateSigningKey().multikey)
    expect(refusal(() => verifySync(sync, { ...options, key: otherKey }))).toBe('bad_signature')
  })
})

function recordAsCommit(): CommitFrame {
  const cid = cidOf(recordBytes(1))
  return { ...frameWith(), commit: cid, blocks: writeCar(cid, [{ cid, bytes: recordBytes(1) }]) }
}

/** The commit with one of its operations told otherwise. */
function withOp(at: number, lie: Partial<CommitFrame['ops'][number]>): CommitFrame {
  const frame = frameWith()
  return { ...frame, ops: frame.ops.with(at, { ...frame.ops[at]!, ...lie }) }
}
