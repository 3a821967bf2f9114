import { randomBytes } from 'node:crypto'
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
import { type CommitBody, frameBody, type MadeCommit, type RepoMaker } from './repo-maker.ts'

/**
 * A frame with one thing wrong, and everything else as right as can be. `duplicate`, `reordered` and `chain_break` are
 * not in the bytes; who sends them sees to those.
 */
export function bendFrame(fault: FaultKind, made: MadeCommit, repo: RepoMaker, random: Random): Uint8Array {
  const { frame, body } = made
  switch (fault) {
    case 'duplicate':
    case 'reordered':
    case 'chain_break':
      return frame
    case 'oversized':
      return Buffer.concat([frame, Buffer.alloc(5_000_001 - frame.length)])
    case 'truncated':
      return frame.subarray(0, frame.length - 1 - random.below(frame.length / 2))
    case 'junk_frame':
      return Buffer.concat([Buffer.from([0xff]), randomBytes(50 + random.below(500))])
    case 'bad_hash':
      return withBlocks(body, blocks => [...blocks.slice(0, -1), flipped(blocks.at(-1)!)])
    case 'bad_proof':
      return encode({ ...body, prevData: cidOf(randomBytes(8)) })
    case 'missing_block':
      // The tree's root: without it nothing can be undone.
      return withBlocks(body, blocks => blocks.filter(block => !block.cid.equals(repo.data!)))
    case 'bad_signature':
      return resigned(body, { did: repo.did, rev: body.rev, data: repo.data! })
    case 'future_rev': {
      const rev = tidFromTimeUs(Date.now() * 1000 + 86_400_000_000, 1)
      return encode({ ...body, rev })
    }
    case 'deep_nesting':
      return withRecord(
        repo,
        body,
        Buffer.concat([Buffer.from('a16161', 'hex'), Buffer.alloc(500, 0x81), Buffer.from([1])]),
      )
    case 'junk_record':
      return withRecord(repo, body, Buffer.concat([Buffer.from([0xa1, 0x61]), randomBytes(40)]))
  }
}

function encode(body: CommitBody): Uint8Array {
  return encodeFrame('#commit', frameBody(body))
}

function withBlocks(body: CommitBody, change: (blocks: Block[]) => Block[]): Uint8Array {
  return encode({ ...body, blocks: writeCar(body.commit, change(blocksOf(body.blocks))) })
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
function resigned(body: CommitBody, fields: { did: string; rev: string; data: Cid }): Uint8Array {
  const forged = signCommit(fields, generateSigningKey())
  const blocks = blocksOf(body.blocks).filter(block => !block.cid.equals(body.commit))
  return encode({ ...body, commit: forged.cid, blocks: writeCar(forged.cid, [forged, ...blocks]) })
}

/** A commit of one more record, of any bytes; its signature and its proof are good. */
function withRecord(repo: RepoMaker, body: CommitBody, bytes: Uint8Array): Uint8Array {
  const cid = cidOf(bytes, codecs.dagCbor)
  const rkey = `bad${body.seq}`
  const write = { action: 'create' as const, collection: 'com.example.bad', rkey, block: { cid, bytes } }
  return repo.commit([write], body.seq).frame
}
