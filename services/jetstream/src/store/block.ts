import { blockOfFrames, type LogBlock } from '@orrery/server'
import { frameEvents } from './block-codec.ts'

/** A block for the hub from a pack. */
export function blockOf(packed: Buffer): LogBlock {
  const { frames, positions } = frameEvents(packed)
  return blockOfFrames(frames, positions)
}
