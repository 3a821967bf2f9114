/** Frames' numbers begin here, so that all have the same width and one can be written over another. */
export const firstSeq = 1_000_000_000

/** The key `seq`, a text of three letters, and the head of a number of four bytes. */
const seqField = Buffer.from([0x63, 0x73, 0x65, 0x71, 0x1a])

/** Where the four bytes of a frame's number are; -1 where it has none, or another than it is said to have. */
export function seqAt(frame: Uint8Array, seq: number): number {
  const field = Buffer.alloc(9)
  seqField.copy(field)
  field.writeUInt32BE(seq, 5)
  // The letters alone may stand in a record key.
  const at = Buffer.from(frame.buffer, frame.byteOffset, frame.length).indexOf(field)
  return at < 0 ? -1 : at + seqField.length
}

/** A frame with another number; the frame itself where its own cannot be found, or is that one. */
export function withSeq(frame: Uint8Array, from: number, to: number): Uint8Array {
  const at = from === to ? -1 : seqAt(frame, from)
  if (at < 0) return frame
  const copy = Buffer.from(frame)
  copy.writeUInt32BE(to, at)
  return copy
}
