import { createBlock, type LogBlock } from '@orrery/server'

export const streams = ['instant', 'delayed'] as const
/** `instant`: every link as it is seen. `delayed`: what was not undone within the delay. Both have one order. */
export type Stream = (typeof streams)[number]

/**
 * How an entry shows in a stream. `change`: the link came into being, or went. `again`: it was there before and is in the
 * record's new version too, which subscribers are told who do not ask for changes. `none`: not at all.
 */
export const modes = { none: 0, change: 1, again: 2 } as const
export type Mode = (typeof modes)[keyof typeof modes]

export type Operation = 'create' | 'delete'

/** One link of one version of a record: what the log is made of. */
export interface LinkEntry {
  /** Its place in the log, and when it was first seen: microseconds since 1970. */
  timeUs: number
  operation: Operation
  instant: Mode
  delayed: Mode
  /** `collection:path`, without the path's leading dot. */
  source: string
  did: string
  rkey: string
  rev: string
  subject: string
}

/** The collection of an entry's source. */
export function collectionOf(source: string): string {
  return source.slice(0, source.indexOf(':'))
}

/** An entry as subscribers get it who ask for nothing more. */
export function lineOf({ operation, source, did, rkey, rev, subject }: LinkEntry): string {
  return (
    `${lineHead}live","link":{"operation":"${operation}","source":${quoted(source)},` +
    `"source_record":"at://${did}/${collectionOf(source)}/${rkey}","source_rev":"${rev}","subject":${quoted(subject)}}}`
  )
}

/** Every line begins with it; where it came from follows. */
export const lineHead = '{"kind":"link","origin":"'

/** Most texts have nothing to escape, and looking is cheaper than writing. */
function quoted(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
}

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
