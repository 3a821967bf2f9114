import { entryAt, type FramedBlock, type LogBlock } from './block.ts'

/** WebSocket opcodes of data, with the final bit set. RFC 6455, section 5.2. */
export const opcodes = { text: 0x81, binary: 0x82 } as const

/** How many bytes the header of a server's frame takes; servers do not mask. */
export function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 0x1_0000 ? 4 : 10
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

/**
 * A block's entries as text frames, made once for all who read them: handing each subscriber its own frames was the
 * greater part of the work of a fan-out (an eighth of the rate, measured with `ws.send` for each message).
 */
export function textFrames(block: LogBlock): FramedBlock {
  block.textFrames ??= frameAll(block)
  return block.textFrames
}

/** Chosen entries of a block as text frames, in one buffer. */
export function selectedTextFrames(block: LogBlock, indices: readonly number[]): Buffer {
  const framed = block.textFrames
  if (framed) {
    return Buffer.concat(
      indices.map(i => framed.bytes.subarray(i === 0 ? 0 : framed.ends[i - 1]!, framed.ends[i])),
    )
  }
  let size = 0
  for (const i of indices) {
    const bytes = lengthAt(block, i)
    size += headerBytes(bytes) + bytes
  }
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (const i of indices) {
    const start = i === 0 ? 0 : block.ends[i - 1]!
    at = writeHeader(out, at, opcodes.text, block.ends[i]! - start)
    at += block.bytes.copy(out, at, start, block.ends[i])
  }
  return out
}

/** Payloads as binary frames, in one buffer. */
export function binaryFrames(payloads: readonly Buffer[]): Buffer {
  let size = 0
  for (const payload of payloads) size += headerBytes(payload.length) + payload.length
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (const payload of payloads) {
    at = writeHeader(out, at, opcodes.binary, payload.length)
    at += payload.copy(out, at)
  }
  return out
}

/** How many bytes an entry has. */
export function lengthAt(block: LogBlock, index: number): number {
  return block.ends[index]! - (index === 0 ? 0 : block.ends[index - 1]!)
}

function frameAll(block: LogBlock): FramedBlock {
  let size = 0
  for (let i = 0; i < block.count; i++) {
    const bytes = lengthAt(block, i)
    size += headerBytes(bytes) + bytes
  }
  const out = Buffer.allocUnsafe(size)
  const ends = new Uint32Array(block.count)
  let at = 0
  for (let i = 0; i < block.count; i++) {
    const entry = entryAt(block, i)
    at = writeHeader(out, at, opcodes.text, entry.length)
    at += entry.copy(out, at)
    ends[i] = at
  }
  return { bytes: out, ends }
}
