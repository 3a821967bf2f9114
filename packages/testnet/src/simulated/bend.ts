import {
  type Block,
  type Cid,
  cidOf,
  codecs,
  encodeFrame,
  generateSigningKey,
  readCar,
  signCommit,
  tidFromTimeUs,
  writeCar,
} from '@orrery/repo'
import type { Random } from '../activity/random.ts'
import type { FaultKind } from './faults.ts'
import { mutate, mutationKinds, randomBytes } from './mutate.ts'
import { type CommitBody, frameBody, type MadeCommit, type RepoMaker } from './repo-maker.ts'

/** One byte more than the protocol allows a frame. */
const tooManyBytes = 5_000_001

/** Far deeper than the hundred levels that are read. */
const levels = 500

/**
 * A commit with one thing wrong, and everything else as right as can be. `duplicate`, `reordered` and `chain_break` are
 * not in the bytes; who sends them sees to those. A fault of the record takes a commit of its own, behind the given one.
 */
export function bendCommit(fault: FaultKind, made: MadeCommit, repo: RepoMaker, random: Random): MadeCommit {
  const { frame, body } = made
  switch (fault) {
    case 'duplicate':
    case 'reordered':
    case 'chain_break':
      return made
    case 'oversized':
      return withFrame(made, Buffer.concat([frame, Buffer.alloc(tooManyBytes - frame.length)]))
    case 'truncated':
      return withFrame(made, frame.slice(0, frame.length - 1 - random.below(frame.length / 2)))
    case 'junk_frame':
      return withFrame(made, Buffer.concat([Buffer.of(0xff), randomBytes(random, 50 + random.below(500))]))
    case 'bad_hash':
      return withBlocks(made, blocks => [...blocks.slice(0, -1), flipped(blocks.at(-1)!)])
    case 'bad_proof':
      return withBody(made, { ...body, prevData: cidOf(randomBytes(random, 8)) })
    case 'missing_block':
      // The tree's root: without it nothing can be undone.
      return withBlocks(made, blocks => blocks.filter(block => !block.cid.equals(repo.data!)))
    case 'bad_signature':
      return resigned(made, { did: repo.did, rev: body.rev, data: repo.data! })
    case 'future_rev': {
      const rev = tidFromTimeUs(Date.now() * 1000 + 86_400_000_000, 1)
      return { ...withBody(made, { ...body, rev }), rev }
    }
    case 'deep_nesting':
      return withRecord(
        repo,
        body,
        Buffer.concat([Buffer.from('a16161', 'hex'), Buffer.alloc(levels, 0x81), Buffer.of(1)]),
      )
    case 'junk_record':
      // The head of the first value is one of those that mean nothing, whatever its major type.
      return withRecord(
        repo,
        body,
        Buffer.concat([
          Buffer.from('a16161', 'hex'),
          Buffer.of((random.below(8) << 5) | 29),
          randomBytes(random, 40),
        ]),
      )
  }
}

/**
 * A commit as an account with a crooked host signs it: the hashes, the signature and, for a record, the proof are right,
 * and what they vouch for is mutated. Half of the time that is a record, in a commit of its own behind the given one, else
 * the root of the tree.
 */
export function crookCommit(made: MadeCommit, repo: RepoMaker, random: Random): MadeCommit {
  const { body } = made
  const kind = random.pick(mutationKinds)!
  const blocks = blocksOf(body.blocks)
  const root = blocks.find(({ cid }) => cid.equals(repo.data!))!
  const record = blocks.find(({ cid }) => body.ops.some(op => op.cid?.equals(cid)))
  if (record && random.below(2) === 0) {
    return withRecord(repo, body, mutate(kind, record.bytes, random, root.bytes))
  }
  const bytes = mutate(kind, root.bytes, random, record?.bytes ?? root.bytes)
  const data = cidOf(bytes, codecs.dagCbor)
  const commit = signCommit({ did: repo.did, rev: body.rev, data }, repo.key)
  const others = blocks.filter(block => block !== root && !block.cid.equals(body.commit))
  const car = writeCar(commit.cid, [commit, { cid: data, bytes }, ...others])
  return withBody(made, { ...body, commit: commit.cid, blocks: car })
}

function withFrame(made: MadeCommit, frame: Uint8Array): MadeCommit {
  return { ...made, frame }
}

function withBody(made: MadeCommit, body: CommitBody): MadeCommit {
  return { ...made, body, frame: encodeFrame('#commit', frameBody(body)) }
}

function withBlocks(made: MadeCommit, change: (blocks: Block[]) => Block[]): MadeCommit {
  const { body } = made
  return withBody(made, { ...body, blocks: writeCar(body.commit, change(blocksOf(body.blocks))) })
}

function blocksOf(car: Uint8Array): Block[] {
  const map = readCar(car, { verify: false })
  return Array.from({ length: map.size }, (_, i) => ({
    cid: map.cid(i),
    bytes: car.subarray(map.start(i), map.end(i)),
  }))
}

function flipped({ cid, bytes }: Block): Block {
  const copy = Uint8Array.from(bytes)
  copy[copy.length - 1]! ^= 1
  return { cid, bytes: copy }
}

/** The same commit signed with a key that is not the account's. */
function resigned(made: MadeCommit, fields: { did: string; rev: string; data: Cid }): MadeCommit {
  const { body } = made
  const forged = signCommit(fields, generateSigningKey())
  const blocks = blocksOf(body.blocks).filter(block => !block.cid.equals(body.commit))
  return withBody(made, { ...body, commit: forged.cid, blocks: writeCar(forged.cid, [forged, ...blocks]) })
}

/** A commit of one more record, of any bytes; its signature and its proof are good. */
function withRecord(repo: RepoMaker, body: CommitBody, bytes: Uint8Array): MadeCommit {
  const cid = cidOf(bytes, codecs.dagCbor)
  const rkey = `bad${body.seq}`
  const write = { action: 'create' as const, collection: 'com.example.bad', rkey, block: { cid, bytes } }
  return repo.commit([write], body.seq)
}
