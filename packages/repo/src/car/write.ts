import { concatBytes } from '../bytes.ts'
import { encodeCbor } from '../cbor/encode.ts'
import type { Cid } from '../cid.ts'
import { encodeVarint } from '../varint.ts'

/** A block and its CID. */
export interface Block {
  cid: Cid
  bytes: Uint8Array
}

/** Writes a CARv1 with one root and the blocks in the given order. The blocks are not hashed again. */
export function writeCar(root: Cid, blocks: Iterable<Block>): Uint8Array {
  const header = encodeCbor({ roots: [root], version: 1 })
  const parts = [encodeVarint(header.length), header]
  for (const { cid, bytes } of blocks) {
    parts.push(encodeVarint(cid.bytes.length + bytes.length), cid.bytes, bytes)
  }
  return concatBytes(parts)
}
