import { createBlock, type LogBlock } from '@orrery/server'
import { type LinkEntry, lineOf, modes, type Stream } from './entry.ts'

const entriesOf = new WeakMap<LogBlock, readonly LinkEntry[]>()

/**
 * The block that a stream has of entries; undefined where none of them shows there. What filters ask of it is found by
 * `blockEntries`.
 */
export function blockFor(stream: Stream, entries: readonly LinkEntry[]): LogBlock | undefined {
  const shown = entries.filter(entry => entry[stream] !== modes.none)
  if (shown.length === 0) return undefined
  const ends = new Uint32Array(shown.length)
  const positions = new Float64Array(shown.length)
  const lines = shown.map(lineOf)
  const texts = Buffer.from(lines.join(''))
  // Lines are ASCII but where a key of a record is not.
  const isAscii = texts.length === lines.reduce((sum, line) => sum + line.length, 0)
  let end = 0
  for (const [i, line] of lines.entries()) {
    ends[i] = end += isAscii ? line.length : Buffer.byteLength(line)
    positions[i] = shown[i]!.timeUs
  }
  const block = createBlock(texts, ends, positions)
  entriesOf.set(block, shown)
  return block
}

/** The entries that a block was made of, in its order. */
export function blockEntries(block: LogBlock): readonly LinkEntry[] {
  const entries = entriesOf.get(block)
  if (!entries) throw new Error('the block was not made by blockFor')
  return entries
}
