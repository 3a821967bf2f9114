// What threads load too: nothing is imported here.

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

/** The source of a link: `path` is as extraction gives it, with its leading dot. */
export function sourceOf(collection: string, path: string): string {
  return `${collection}:${path.startsWith('.') ? path.slice(1) : path}`
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

/** What an entry's line says of it: the other way round from `lineOf`. */
export function parseLine(line: string): Omit<LinkEntry, 'timeUs' | 'instant' | 'delayed'> {
  const { link } = JSON.parse(line) as {
    link: {
      operation: Operation
      source: string
      source_record: string
      source_rev: string
      subject: string
    }
  }
  const { operation, source, source_record: uri, source_rev: rev, subject } = link
  // Neither a DID nor a collection has a slash.
  const [, , did = '', , rkey = ''] = uri.split('/')
  return { operation, source, did, rkey, rev, subject }
}

/** Every line begins with it; where it came from follows. */
export const lineHead = '{"kind":"link","origin":"'

/** Most texts have nothing to escape, and looking is cheaper than writing. */
function quoted(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
}
