import { hash } from 'node:crypto'
import { invalidParameter, type QueryParams } from '@orrery/server'
import type { JoinPosition, Position, SourceCounts, TargetCounts } from './store.ts'

// On the wire a cursor is hex of: a byte that says of which list, six bytes of a hash of the query, and the place itself.
// So one that was made for another list or query is told apart from one that is damaged, before the index sees it.

/** A kind of list: what its places are, and how they are written. */
export interface CursorKind<Place> {
  readonly code: number
  /** What the list is called in errors. */
  readonly name: string
  write(place: Place, out: PlaceWriter): void
  read(from: PlaceReader): Place
}

const position: Pick<CursorKind<Position>, 'write' | 'read'> = {
  write: ({ seq, link }, out) => out.number(seq).number(link),
  read: from => ({ seq: from.number(), link: from.number() }),
}

// The codes are above what the first server's cursors of any kind begin with, in all but their longest forms.
export const backlinksCursor: CursorKind<Position> = { code: 0xd1, name: 'a list of links', ...position }
export const didsCursor: CursorKind<Position> = { code: 0xd2, name: 'a list of accounts', ...position }
export const joinCursor: CursorKind<JoinPosition> = {
  code: 0xd3,
  name: 'a list of pairs',
  write: ({ seq, link, other }, out) => out.number(seq).number(link).number(other),
  read: from => ({ seq: from.number(), link: from.number(), other: from.number() }),
}
export const groupsCursor: CursorKind<string> = {
  code: 0xd4,
  name: 'counts of pairs',
  write: (group, out) => out.text(group),
  read: from => from.text(),
}
export const sourcesCursor: CursorKind<SourceCounts> = {
  code: 0xd5,
  name: 'a list of sources',
  write: ({ source, records, distinct }, out) =>
    out.text(source.collection).text(source.path).number(records).number(distinct),
  read: from => ({
    source: { collection: from.text(), path: from.text() },
    records: from.number(),
    distinct: from.number(),
  }),
}
export const targetsCursor: CursorKind<Omit<TargetCounts, 'records' | 'distinct'>> = {
  code: 0xd6,
  name: 'a list of targets',
  write: ({ target, source }, out) => out.text(target).text(source.collection).text(source.path),
  read: from => ({ target: from.text(), source: { collection: from.text(), path: from.text() } }),
}

const kinds = new Map(
  [backlinksCursor, didsCursor, joinCursor, groupsCursor, sourcesCursor, targetsCursor].map(kind => [
    kind.code,
    kind,
  ]),
)

/** What a list is made from besides its page: a cursor holds for this alone. Plain data; the order of its keys counts. */
export type CursorQuery = Readonly<Record<string, unknown>>

const markBytes = 6
const headBytes = 1 + markBytes

/** The text of a cursor, null at the end of a list. */
export function formatCursor<Place>(
  kind: CursorKind<Place>,
  query: CursorQuery,
  place: Place | undefined,
): string | null {
  if (place === undefined) return null
  const out = new PlaceWriter()
  kind.write(place, out)
  return Buffer.concat([Buffer.of(kind.code), markOf(query), ...out.parts]).toString('hex')
}

/** The `cursor` parameter as text. Some of the first routes take an empty one for none, others for a bad one. */
export function readCursorText(query: QueryParams, emptyIsNone: boolean): string | undefined {
  const text = query.optional('cursor')
  return text === '' && emptyIsNone ? undefined : text
}

/**
 * The place that a cursor stands for; undefined for none.
 *
 * @throws HttpError 400 that says whether it is no cursor, one of another list, or one of another query
 */
export function parseCursor<Place>(
  kind: CursorKind<Place>,
  query: CursorQuery,
  text: string | undefined,
): Place | undefined {
  if (text === undefined) return undefined
  if (text.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(text)) {
    throw invalidParameter('cursor', 'must be the hex that a page before gave')
  }
  const bytes = Buffer.from(text, 'hex')
  const found = kinds.get(bytes[0]!)
  if (!found || bytes.length < headBytes) {
    throw invalidParameter('cursor', 'is not one that this server gave; begin without one')
  }
  if (found !== kind) {
    throw invalidParameter(
      'cursor',
      `comes from another endpoint: it continues ${found.name}, and this is ${kind.name}; begin without one`,
    )
  }
  if (!bytes.subarray(1, headBytes).equals(markOf(query))) {
    throw invalidParameter(
      'cursor',
      'comes from another query; subject, source, filters and order must stay as they were, or begin without one',
    )
  }
  const from = new PlaceReader(bytes.subarray(headBytes))
  const place = kind.read(from)
  if (!from.isDone) throw damaged()
  return place
}

function markOf(query: CursorQuery): Buffer {
  return hash('sha256', JSON.stringify(query), 'buffer').subarray(0, markBytes)
}

/** Numbers are varints of seven bits a byte, lowest first; text is its length in bytes and UTF-8. */
class PlaceWriter {
  readonly parts: Buffer[] = []

  number(value: number): this {
    const bytes: number[] = []
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
    bytes.push(rest)
    this.parts.push(Buffer.from(bytes))
    return this
  }

  text(value: string): this {
    const bytes = Buffer.from(value)
    this.number(bytes.length).parts.push(bytes)
    return this
  }
}

class PlaceReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length
  }

  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw damaged()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw damaged()
      if (byte < 0x80) return value
      if (scale > Number.MAX_SAFE_INTEGER) throw damaged()
    }
  }

  text(): string {
    const length = this.number()
    const end = this.#at + length
    if (end > this.#bytes.length) throw damaged()
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end
    return text
  }
}

function damaged(): Error {
  return invalidParameter('cursor', 'is damaged; begin without one')
}
