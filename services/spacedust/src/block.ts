import { createBlock, entryAt, type LogBlock } from '@orrery/server'
import { type LinkEntry, lineOf, type Mode, modes, parseLine, type Stream } from './entry.ts'

/** What a block's frames do not say of its entries. */
interface Known {
  /** How each shows in both streams, by turns. */
  readonly modes: Uint8Array
  /** Undefined once they were let go of. */
  entries: readonly LinkEntry[] | undefined
}

const known = new WeakMap<LogBlock, Known>()

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
  known.set(block, {
    modes: Uint8Array.from(shown.flatMap(({ instant, delayed }) => [instant, delayed])),
    entries: shown,
  })
  return block
}

/** Entries that were read out of frames stay for so many others: who replays is seldom alone. */
const keptReadOut = 8_192
const readOut: LogBlock[] = []
let readOutCount = 0

/** The entries that a block was made of, in its order. */
export function blockEntries(block: LogBlock): readonly LinkEntry[] {
  const found = knownOf(block)
  if (found.entries) return found.entries
  const entries = Array.from({ length: block.count }, (_, i) => ({
    timeUs: block.positions[i]!,
    instant: found.modes[i * 2] as Mode,
    delayed: found.modes[i * 2 + 1] as Mode,
    ...parseLine(entryAt(block, i).toString()),
  }))
  found.entries = entries
  readOut.push(block)
  readOutCount += block.count
  while (readOutCount - readOut[0]!.count >= keptReadOut) {
    const oldest = readOut.shift()!
    letEntriesGo(oldest)
    readOutCount -= oldest.count
  }
  return entries
}

/**
 * Lets a block's entries go: as objects they are several times what they are as frames. Whoever asks for them from then on
 * has them read out of the frames.
 */
export function letEntriesGo(block: LogBlock): void {
  knownOf(block).entries = undefined
}

function knownOf(block: LogBlock): Known {
  const found = known.get(block)
  if (!found) throw new Error('the block was not made by blockFor')
  return found
}
