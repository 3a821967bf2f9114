import {
  type Block,
  type Cid,
  cidOf,
  type CommitFrame,
  type CommitOp,
  encodeFrame,
  readFrame,
  signCommit,
  type SigningKey,
  writeCar,
} from '../src/index.ts'
import { type Contents, nodesOf, recordBytes, recordCid } from './trees.ts'

export const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
export const rev = '3mptbypluud2a'
/** A time after `rev`. */
export const nowUs = Date.UTC(2027, 0) * 1000

/** What an operation does: sets the record number `to`, or removes it where that is undefined. */
export interface Change {
  path: string
  to: number | undefined
}

/** The contents after the changes, and the changes as operations on what was there before. */
export function apply(before: Contents, changes: readonly Change[]): { after: Contents; ops: CommitOp[] } {
  const after = new Map(before)
  const ops = changes.map(({ path, to }): CommitOp => {
    const prev = before.get(path) ?? null
    if (to === undefined) {
      after.delete(path)
      return { action: 'delete', path, cid: null, prev }
    }
    const cid = recordCid(to)
    after.set(path, cid)
    return { action: prev ? 'update' : 'create', path, cid, prev }
  })
  return { after, ops }
}

export interface CommitParts {
  before: Contents
  changes: readonly Change[]
  key: SigningKey
  /** Put in the place of what the commit honestly says. */
  lie?: Partial<Record<string, unknown>>
}

/** A commit message with the whole tree after it in its blocks: the root first, the records last. */
export function makeCommit({ before, changes, key, lie = {} }: CommitParts): {
  frame: CommitFrame
  bytes: Uint8Array
} {
  const { after, ops } = apply(before, changes)
  const { root, nodes } = nodesOf(after)
  const commit = signCommit({ did, rev, data: root }, key)
  const blocks: Block[] = [commit]
  for (const bytes of nodes.values()) blocks.push({ cid: cidOf(bytes), bytes })
  for (const { to } of changes)
    if (to !== undefined) blocks.push({ cid: recordCid(to), bytes: recordBytes(to) })
  const bytes = encodeFrame('#commit', {
    seq: 1,
    repo: did,
    rev,
    since: null,
    commit: commit.cid,
    prevData: nodesOf(before).root,
    ops: ops.map(wireOp),
    blocks: writeCar(commit.cid, blocks),
    blobs: [],
    time: '2026-07-04T14:38:07.517Z',
    rebase: false,
    tooBig: false,
    ...(lie as object),
  })
  return { frame: readFrame(bytes) as CommitFrame, bytes }
}

/** An operation as a message has it: no `prev` where there was nothing before. */
export function wireOp({ action, path, cid, prev }: CommitOp): Record<string, string | Cid | null> {
  return prev ? { action, path, cid, prev } : { action, path, cid }
}
