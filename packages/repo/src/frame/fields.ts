import type { Names } from '../cbor/names.ts'
import { type CborReader, majors } from '../cbor/reader.ts'
import { scanText } from '../cbor/text.ts'
import type { Cid } from '../cid.ts'
import { openBody } from './header.ts'
import { readOps } from './ops.ts'
import type { CommitOp } from './types.ts'

type Field = null | boolean | number | string | Uint8Array | Cid | CommitOp[] | undefined

/** What a body says, of any kind. All fields are there from the beginning, so that all bodies have one shape. */
export class Fields {
  seq: Field
  repo: Field
  did: Field
  rev: Field
  since: Field
  commit: Field
  prevData: Field
  ops: Field
  blocks: Field
  time: Field
  tooBig: Field
  rebase: Field
  handle: Field
  active: Field
  status: Field
  name: Field
  message: Field
  error: Field
}

export type FieldName = keyof Fields

/** Reads the fields of a body that have one of the names, and skips the others. Of one that is there twice the last counts. */
export function readFields(reader: CborReader, names: Names<FieldName>): Fields {
  const fields = new Fields()
  for (let left = openBody(reader); left > 0; left--) {
    const from = reader.key()
    const name = names.at(reader.bytes, from, reader.pos)
    if (name) fields[name] = name === 'ops' ? readOps(reader) : readField(reader)
    else {
      scanText(reader.bytes, from, reader.pos)
      reader.skip()
    }
  }
  reader.finish()
  return fields
}

function readField(reader: CborReader): Field {
  switch (reader.peekMajor()) {
    case majors.uint:
    case majors.nint:
      return reader.integer()
    case majors.bytes:
      return reader.byteString()
    case majors.text:
      return reader.text()
    case majors.tag:
      return reader.cid()
    case majors.simple:
      if (reader.tryNull()) return null
      if ((reader.bytes[reader.pos]! & 0xfe) === 0xf4) return reader.boolean()
      break
  }
  // Arrays, maps and floats: nothing that a message of today has.
  reader.skip()
  return undefined
}
