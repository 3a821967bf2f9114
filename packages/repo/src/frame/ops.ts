import { Names } from '../cbor/names.ts'
import type { CborReader } from '../cbor/reader.ts'
import { scanText } from '../cbor/text.ts'
import type { Cid } from '../cid.ts'
import { RepoError } from '../errors.ts'
import { type CommitOp, frameLimits } from './types.ts'

const fields = new Names(['action', 'path', 'cid', 'prev'])
const actions = new Names(['create', 'update', 'delete'])

/**
 * Reads the operations of a commit.
 *
 * @throws RepoError `frame_bad_body`, `cbor_*`, `cid_invalid`; `too_big` where there are too many
 */
export function readOps(reader: CborReader): CommitOp[] {
  // Old encoders send null for an empty list.
  if (reader.tryNull()) return []
  const count = reader.array()
  if (count > frameLimits.ops) throw new RepoError('too_big', `ops=${count}`)
  const list: CommitOp[] = []
  for (let i = 0; i < count; i++) list.push(readOp(reader))
  return list
}

function readOp(reader: CborReader): CommitOp {
  let action: CommitOp['action'] | undefined
  let path: string | undefined
  let cid: Cid | null = null
  let prev: Cid | null = null
  for (let left = reader.map(); left > 0; left--) {
    const from = reader.key()
    const to = reader.pos
    switch (fields.at(reader.bytes, from, to)) {
      case 'action':
        action = readAction(reader)
        break
      case 'path':
        path = reader.text()
        break
      case 'cid':
        cid = reader.tryNull() ? null : reader.cid()
        break
      case 'prev':
        prev = reader.tryNull() ? null : reader.cid()
        break
      case undefined:
        scanText(reader.bytes, from, to)
        reader.skip()
    }
  }
  if (action === undefined) throw new RepoError('frame_bad_body', 'field=ops.action')
  if (path === undefined) throw new RepoError('frame_bad_body', 'field=ops.path')
  return { action, path, cid, prev }
}

function readAction(reader: CborReader): CommitOp['action'] | undefined {
  const from = reader.textStart()
  const action = actions.at(reader.bytes, from, reader.pos)
  if (!action) scanText(reader.bytes, from, reader.pos)
  return action
}
