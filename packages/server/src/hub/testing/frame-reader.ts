/** A frame as it came over the wire. */
export interface Frame {
  opcode: number
  payload: Buffer
}

/**
 * Takes a server's bytes apart by RFC 6455, section 5.2, and stricter than a client has to be: whole messages only, no
 * reserved bits, no masks, the shortest form of each length. Answers what is left over too.
 *
 * @throws Error naming what is wrong
 */
export function readFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= 2) {
    const [first, second] = [bytes[at]!, bytes[at + 1]!]
    const opcode = first & 0x0f
    if ((first & 0xf0) !== 0x80) throw new Error(`bits of the first byte; byte=${first} at=${at}`)
    if (![1, 2, 8, 9, 10].includes(opcode)) throw new Error(`opcode=${opcode} at=${at}`)
    if ((second & 0x80) !== 0) throw new Error(`a server must not mask; at=${at}`)
    const short = second & 0x7f
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    if (bytes.length - at < head) break
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    if ((head === 4 && length < 126) || (head === 10 && length < 65_536)) {
      throw new Error(`not the shortest form of a length; length=${length} at=${at}`)
    }
    if (opcode >= 8 && length > 125) throw new Error(`a control frame of ${length} bytes; at=${at}`)
    if (bytes.length - at - head < length) break
    frames.push({ opcode, payload: bytes.subarray(at + head, at + head + length) })
    at += head + length
  }
  return { frames, rest: bytes.subarray(at) }
}
