import { type Frames, textFrames } from '@orrery/server/frames'
import { timeUsAt } from '../line.ts'

/**
 * How events lie on disk: the number of events and the end of each, 32 bits little-endian, then their JSON. A sealed
 * block is the zstd frame of that. Threads import this file, so it imports next to nothing: each package costs them its
 * memory.
 */

/** Puts events together as they lie on disk, before compression. */
export function packEvents(bytes: Uint8Array, ends: Uint32Array): Buffer {
  const head = 4 + ends.length * 4
  const out = Buffer.allocUnsafe(head + bytes.length)
  out.writeUInt32LE(ends.length, 0)
  for (const [i, end] of ends.entries()) out.writeUInt32LE(end, 4 + i * 4)
  out.set(bytes, head)
  return out
}

/** Takes events apart again; `bytes` is a view. */
export function unpackEvents(packed: Buffer): { bytes: Buffer; ends: Uint32Array<ArrayBuffer> } {
  const count = packed.readUInt32LE(0)
  const head = 4 + count * 4
  const ends = new Uint32Array(count)
  for (let i = 0; i < count; i++) ends[i] = packed.readUInt32LE(4 + i * 4)
  return { bytes: packed.subarray(head), ends }
}

/** Joins packed events into one pack. */
export function joinPacks(packs: readonly Buffer[]): Buffer {
  const parts = packs.map(unpackEvents)
  const ends = new Uint32Array(parts.reduce((sum, part) => sum + part.ends.length, 0))
  let offset = 0
  let at = 0
  for (const part of parts) {
    for (const end of part.ends) ends[at++] = offset + end
    offset += part.bytes.length
  }
  return packEvents(Buffer.concat(parts.map(part => part.bytes)), ends)
}

/** Packed events as they are sent. */
export interface FramedEvents {
  frames: Frames
  positions: Float64Array
}

/** Makes of a pack what the hub's blocks are made of. */
export function frameEvents(packed: Buffer): FramedEvents {
  const { bytes, ends } = unpackEvents(packed)
  const positions = new Float64Array(ends.length)
  let start = 0
  for (let i = 0; i < ends.length; i++) {
    positions[i] = timeUsAt(bytes, start)
    start = ends[i]!
  }
  return { frames: textFrames(bytes, ends), positions }
}
