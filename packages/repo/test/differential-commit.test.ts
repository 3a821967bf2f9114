import { P256Keypair, Secp256k1Keypair, verifySignature as theirVerify } from '@atproto/crypto'
import {
  blocksToCarFile,
  MemoryBlockstore,
  readCarWithRoot,
  type RecordWriteOp,
  Repo,
  verifyDiffCar,
} from '@atproto/repo'
import { type CommitData, verifyProofs, WriteOpAction } from '@atproto/repo'
import * as fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import {
  type Cid,
  cidFromBytes,
  type CommitFrame,
  type CommitOp,
  encodeFrame,
  generateSigningKey,
  isLowS,
  parsePublicKey,
  readCommit,
  readFrame,
  signBytes,
  signCommit,
  verifyCommit,
  verifyCommitSignature,
  verifySignature,
} from '../src/index.ts'
import { groupOrder } from '../src/keys.ts'
import { did, makeCommit, nowUs, rev, wireOp } from './commits.ts'
import { refusal } from './refused.ts'
import { runs } from './runs.ts'
import { paths, pool, recordCid } from './trees.ts'

const farAhead = nowUs * 2

/** A commit's writes: paths with the number of a record, or undefined for no record. What does not change is left out. */
const writes = fc
  .uniqueArray(fc.tuple(paths, fc.option(fc.nat(7), { nil: undefined })), {
    selector: ([path]) => path,
    maxLength: 8,
    size: 'max',
  })
  .map(list => list.map(([path, to]) => ({ path, to })))

/** The root of a tree without keys. */
const emptyRoot = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'

interface Made {
  frame: CommitFrame
  /** Every block of the tree after, unlike the message's, which are those of the proof. */
  data: CommitData
}

/** A repository of the other library, and the messages that a PDS makes of its commits. */
class TheirRepo {
  readonly key: Secp256k1Keypair
  readonly held = new Map<string, Cid>()
  #repo: Repo

  private constructor(repo: Repo, key: Secp256k1Keypair) {
    this.#repo = repo
    this.key = key
  }

  static async create(): Promise<TheirRepo> {
    const key = await Secp256k1Keypair.create()
    return new TheirRepo(await Repo.create(new MemoryBlockstore(), did, key), key)
  }

  async commit(changes: readonly { path: string; to: number | undefined }[]): Promise<Made> {
    const ops: CommitOp[] = []
    const list: RecordWriteOp[] = []
    for (const { path, to } of changes) {
      const prev = this.held.get(path) ?? null
      const [collection, rkey] = path.split('/') as [never, never]
      if (to === undefined) {
        if (!prev) continue
        list.push({ action: WriteOpAction.Delete, collection, rkey })
        ops.push({ action: 'delete', path, cid: null, prev })
        this.held.delete(path)
        continue
      }
      const cid = recordCid(to)
      if (prev?.equals(cid)) continue
      const action = prev ? WriteOpAction.Update : WriteOpAction.Create
      list.push({ action, collection, rkey, record: { $type: 'com.example.record', i: to } })
      ops.push({ action, path, cid, prev })
      this.held.set(path, cid)
    }
    const before = this.#repo.commit
    const data = await this.#repo.formatCommit(list, this.key)
    this.#repo = await this.#repo.applyCommit(data)
    const body = {
      seq: 1,
      repo: did,
      rev: data.rev,
      since: before.rev,
      commit: cidFromBytes(data.cid.bytes),
      prevData: cidFromBytes(before.data.bytes),
      ops: ops.map(wireOp),
      blocks: await blocksToCarFile(data.cid, data.relevantBlocks),
      time: '',
    }
    return { frame: readFrame(encodeFrame('#commit', body)) as CommitFrame, data }
  }
}

describe('commits that @atproto/repo made', () => {
  it('are proven inverted with the blocks that a PDS sends', async () => {
    await fc.assert(
      fc.asyncProperty(writes, fc.array(writes, { minLength: 1, maxLength: 6 }), async (first, rest) => {
        const repo = await TheirRepo.create()
        const key = parsePublicKey(repo.key.did())
        let data = emptyRoot
        for (const list of [
          pool.filter((_, i) => i % 5 === 0).map(path => ({ path, to: 1 })),
          first,
          ...rest,
        ]) {
          const { frame } = await repo.commit(list)
          const verified = verifyCommit(frame, { key, nowUs: farAhead, checks: 'full' })
          expect({ proof: verified.proof, signed: verified.signed }).toEqual({
            proof: 'inverted',
            signed: true,
          })
          expect(frame.prevData?.toString()).toBe(data)
          data = verified.data.toString()
        }
      }),
      runs(15),
    )
  })

  it('are included where the sender does not say what was before', async () => {
    const repo = await TheirRepo.create()
    const key = parsePublicKey(repo.key.did())
    await repo.commit(pool.slice(0, 50).map(path => ({ path, to: 1 })))
    const { frame } = await repo.commit([
      { path: pool[0]!, to: 2 },
      { path: pool[1]!, to: undefined },
      { path: pool[60]!, to: 3 },
    ])
    const options = { key, nowUs: farAhead, checks: 'full' } as const
    expect(verifyCommit({ ...frame, prevData: undefined }, options).proof).toBe('included')
    const forgetful = { ...frame, ops: frame.ops.map(op => ({ ...op, prev: null })) }
    expect(verifyCommit(forgetful, options).proof).toBe('included')
    expect(frame.ops.map(op => op.action)).toEqual(['update', 'delete', 'create'])
  })

  it('read as the other library reads them', async () => {
    const repo = await TheirRepo.create()
    const { frame } = await repo.commit([{ path: pool[0]!, to: 1 }])
    const { root, blocks } = await readCarWithRoot(frame.blocks)
    const commit = readCommit(blocks.get(root)!)
    expect([commit.did, commit.rev, commit.prev]).toEqual([did, frame.rev, null])
    expect(verifyCommitSignature(commit, parsePublicKey(repo.key.did()))).toBe(true)
    expect(verifyCommitSignature(commit, parsePublicKey(generateSigningKey().multikey))).toBe(false)
  })
})

describe('commits that we made', () => {
  it('are taken by @atproto/repo', async () => {
    const key = generateSigningKey('p256')
    const changes = pool.slice(0, 40).map((path, i) => ({ path, to: i }))
    const { frame } = makeCommit({ before: new Map(), changes, key })
    const diff = await verifyDiffCar(null, frame.blocks, did, `did:key:${key.multikey}`)
    expect(diff.writes.map(write => `${write.collection}/${write.rkey}`).toSorted()).toEqual(
      changes.map(change => change.path).toSorted(),
    )
    const claims = frame.ops.map(({ path, cid }) => {
      const [collection, rkey] = path.split('/') as [string, string]
      return { collection, rkey, cid: CID.decode(cid!.bytes) }
    })
    const proofs = await verifyProofs(frame.blocks, claims, did, `did:key:${key.multikey}`)
    expect(proofs.unverified).toEqual([])
  })
})

describe('signatures', () => {
  const messages = fc.uint8Array({ maxLength: 100 })

  it.each(['k256', 'p256'] as const)(
    'of ours on %s are taken by @atproto/crypto, and theirs by us',
    async curve => {
      const ours = generateSigningKey(curve)
      const theirs = curve === 'k256' ? await Secp256k1Keypair.create() : await P256Keypair.create()
      await fc.assert(
        fc.asyncProperty(messages, async message => {
          const signature = signBytes(ours, message)
          expect(isLowS(curve, signature)).toBe(true)
          expect(await theirVerify(`did:key:${ours.multikey}`, message, signature)).toBe(true)

          const other = parsePublicKey(theirs.did())
          expect(verifySignature(other, message, await theirs.sign(message))).toBe(true)
          expect(verifySignature(other, message, signature)).toBe(false)
        }),
        runs(25),
      )
    },
  )

  it.each(['k256', 'p256'] as const)(
    'on %s with a high S are refused, though the curve would take them',
    async curve => {
      const key = generateSigningKey(curve)
      const publicKey = parsePublicKey(key.multikey)
      const message = Buffer.from('message')
      for (let i = 0; i < 20; i++) {
        const low = signBytes(key, message)
        const s = groupOrder(curve) - BigInt(`0x${Buffer.from(low.subarray(32)).toString('hex')}`)
        const high = Buffer.concat([
          low.subarray(0, 32),
          Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
        ])
        expect(verifySignature(publicKey, message, low)).toBe(true)
        expect(verifySignature(publicKey, message, high)).toBe(false)
        const lax = await theirVerify(`did:key:${key.multikey}`, message, high, { allowMalleableSig: true })
        expect(lax).toBe(true)
      }
    },
  )

  it('stand over a commit without its signature, whatever other fields it has', () => {
    const key = generateSigningKey()
    const { bytes } = signCommit({ did, rev, data: recordCid(1) }, key)
    const commit = readCommit(bytes)
    expect(verifyCommitSignature(commit, parsePublicKey(key.multikey))).toBe(true)
    // One bit of any field.
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.with(at, bytes[at]! ^ 1)
      const code = refusal(() => {
        expect(verifyCommitSignature(readCommit(flipped), parsePublicKey(key.multikey))).toBe(false)
      })
      expect(code ?? 'commit_bad').toBe('commit_bad')
    }
  })
})
