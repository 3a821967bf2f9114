/** WebSocket opcodes of data, with the final bit set. RFC 6455, section 5.2. */
export const opcodes = { text: 0x81, binary: 0x82 } as const

/** Frames one behind the other, and where each ends. */
export interface Frames {
  bytes: Buffer
  ends: Uint32Array
}

/** How many bytes the header of a server's frame takes; servers do not mask. */
export function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 0x1_0000 ? 4 : 10
}

/** How many bytes the header takes of the frame that begins at `start`. */
export function headerBytesAt(frames: Uint8Array, start: number): number {
  const length = frames[start + 1]!
  return length < 126 ? 2 : length === 126 ? 4 : 10
}

/** Writes a frame's header at `at`; answers where its payload goes. */
export function writeHeader(out: Buffer, at: number, opcode: number, payloadBytes: number): number {
  out[at] = opcode
  if (payloadBytes < 126) {
    out[at + 1] = payloadBytes
    return at + 2
  }
  if (payloadBytes < 0x1_0000) {
    out[at + 1] = 126
    out[at + 2] = payloadBytes >>> 8
    out[at + 3] = payloadBytes & 0xff
    return at + 4
  }
  out[at + 1] = 127
  out.writeBigUInt64BE(BigInt(payloadBytes), at + 2)
  return at + 10
}

/** Puts payloads, which end at `ends`, into text frames. The memory is not of the pool, so that it may move to a thread. */
export function textFrames(payloads: Uint8Array, ends: Uint32Array): Frames {
  let size = 0
  let start = 0
  for (const end of ends) {
    size += headerBytes(end - start) + end - start
    start = end
  }
  const bytes = Buffer.allocUnsafeSlow(size)
  const frameEnds = new Uint32Array(ends.length)
  let at = 0
  start = 0
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!
    at = writeHeader(bytes, at, opcodes.text, end - start)
    bytes.set(payloads.subarray(start, end), at)
    at += end - start
    frameEnds[i] = at
    start = end
  }
  return { bytes, ends: frameEnds }
}

/** Payloads as frames, binary ones unless they are text, in one buffer. */
export function joinedFrames(payloads: readonly Buffer[], isText = false): Buffer {
  const opcode = isText ? opcodes.text : opcodes.binary
  let size = 0
  for (const payload of payloads) size += headerBytes(payload.length) + payload.length
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (const payload of payloads) {
    at = writeHeader(out, at, opcode, payload.length)
    at += payload.copy(out, at)
  }
  return out
}
