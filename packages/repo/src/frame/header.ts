import { Names } from '../cbor/names.ts'
import { type CborReader, majors } from '../cbor/reader.ts'
import { textAt } from '../cbor/text.ts'
import { RepoError } from '../errors.ts'
import type { FrameKind } from './types.ts'

const fields = new Names(['op', 't'])
/** Each stands behind a `#` in the header. */
const kinds = new Names(['commit', 'sync', 'identity', 'account', 'info'])
const hash = 0x23

/**
 * Reads the header of a frame, and answers the kind; `type` is what it says where it is none that is known.
 *
 * @throws RepoError `frame_bad`
 */
export function readHeader(reader: CborReader): { kind: FrameKind; type: string } {
  let op: number | undefined
  let kind: FrameKind = 'unknown'
  let type = ''
  try {
    for (let left = reader.map(); left > 0; left--) {
      const from = reader.key()
      const field = fields.at(reader.bytes, from, reader.pos)
      if (field === 'op') op = reader.integer()
      else if (field === 't') {
        const start = reader.textStart()
        const known = reader.bytes[start] === hash ? kinds.at(reader.bytes, start + 1, reader.pos) : undefined
        kind = known ?? 'unknown'
        type = known ? '' : textAt(reader.bytes, start, reader.pos)
      } else reader.skip()
    }
  } catch (error) {
    throw new RepoError('frame_bad', undefined, { cause: error })
  }
  if (op === undefined) throw new RepoError('frame_bad', 'the header has no op')
  if (op === -1) return { kind: 'error', type: '' }
  return op === 1 ? { kind, type } : { kind: 'unknown', type: `op ${op}` }
}

/**
 * Reads the head of the body, and answers how many fields follow.
 *
 * @throws RepoError `frame_bad`, `cbor_*`
 */
export function openBody(reader: CborReader): number {
  if (reader.peekMajor() !== majors.map) throw new RepoError('frame_bad', 'the body is not a map')
  return reader.map()
}
