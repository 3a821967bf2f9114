import { createBlock, type LogBlock } from '@orrery/server'
import { timeUsAt } from '../entry.ts'
import { unpackEvents } from './block-codec.ts'

/** A block for the hub from a pack. */
export function blockOf(packed: Buffer): LogBlock {
  const { bytes, ends } = unpackEvents(packed)
  const positions = new Float64Array(ends.length)
  let start = 0
  for (const [i, end] of ends.entries()) {
    positions[i] = timeUsAt(bytes, start)
    start = end
  }
  return createBlock(bytes, ends, positions)
}
