import type { LinkEntry, Mode } from '../entry.ts'
import { NumberReader, NumberWriter } from './bytes.ts'
import { tidOf, tidParts } from './tid.ts'

/**
 * Entries as they lie on disk, before compression: texts apart from numbers, as each compresses best among its own. Keys
 * that are TIDs are numbers, told by their distance from the entry's time, and what repeats is told by its place in a list.
 */
export interface Pack {
  texts: Uint8Array
  numbers: Uint8Array
}

/** Packs entries, in their order. */
export function packEntries(entries: readonly LinkEntry[]): Pack {
  const numbers = new NumberWriter()
  const texts: string[] = []
  const known = new Map<string, number>()

  /** A text that others of the pack may have too. */
  function shared(text: string): void {
    const index = known.get(text)
    if (index !== undefined) {
      numbers.push(index + 1)
      return
    }
    numbers.push(0)
    known.set(text, known.size)
    own(text)
  }

  function own(text: string): void {
    numbers.push(Buffer.byteLength(text))
    texts.push(text)
  }

  /** A record key or a rev. */
  function key(text: string, nearUs: number): void {
    const tid = tidParts(text)
    numbers.push(tid ? tid.clock + 1 : 0)
    if (tid) numbers.pushSigned(tid.us - nearUs)
    else own(text)
  }

  numbers.push(entries.length)
  let beforeUs = 0
  for (const { timeUs, operation, instant, delayed, source, did, rkey, rev, subject } of entries) {
    numbers.push(timeUs - beforeUs)
    beforeUs = timeUs
    const record = recordOf(subject)
    numbers.push((operation === 'create' ? 0 : 1) + instant * 2 + delayed * 6 + (record ? 18 : 0))
    shared(source)
    shared(did)
    key(rkey, timeUs)
    key(rev, timeUs)
    if (record) {
      shared(record.authority)
      shared(record.collection)
      key(record.rkey, timeUs)
    } else shared(subject)
  }
  return { texts: Buffer.from(texts.join('')), numbers: numbers.take() }
}

/** What a subject that is a record's AT-URI is made of; undefined for others. */
function recordOf(subject: string): { authority: string; collection: string; rkey: string } | undefined {
  if (!subject.startsWith('at://')) return undefined
  const first = subject.indexOf('/', 5)
  const second = subject.indexOf('/', first + 1)
  const isRecord =
    first > 5 && second > first + 1 && second < subject.length - 1 && subject.indexOf('/', second + 1) < 0
  if (!isRecord) return undefined
  const [authority, collection] = [subject.slice(5, first), subject.slice(first + 1, second)]
  return { authority, collection, rkey: subject.slice(second + 1) }
}

/**
 * Unpacks entries.
 *
 * @throws RangeError for what `packEntries` did not make
 */
export function unpackEntries(pack: Pack): LinkEntry[] {
  const numbers = new NumberReader(pack.numbers)
  const bytes = Buffer.from(pack.texts.buffer, pack.texts.byteOffset, pack.texts.length)
  const texts = bytes.toString()
  // Mostly, and then one place in both.
  const isAscii = texts.length === bytes.length
  const known: string[] = []
  let at = 0

  function shared(): string {
    const index = numbers.next()
    if (index > 0) return known[index - 1]!
    const text = own()
    known.push(text)
    return text
  }

  function own(): string {
    const length = numbers.next()
    const start = at
    if ((at += length) > bytes.length) throw new RangeError('the texts end early')
    return isAscii ? texts.slice(start, at) : bytes.toString('utf8', start, at)
  }

  function key(nearUs: number): string {
    const clock = numbers.next()
    return clock === 0 ? own() : tidOf({ us: nearUs + numbers.nextSigned(), clock: clock - 1 })
  }

  const entries: LinkEntry[] = []
  let timeUs = 0
  for (let left = numbers.next(); left > 0; left--) {
    timeUs += numbers.next()
    const flags = numbers.next()
    const source = shared()
    const did = shared()
    const rkey = key(timeUs)
    const rev = key(timeUs)
    const subject = flags >= 18 ? `at://${shared()}/${shared()}/${key(timeUs)}` : shared()
    entries.push({
      timeUs,
      operation: flags % 2 === 0 ? 'create' : 'delete',
      instant: (Math.floor(flags / 2) % 3) as Mode,
      delayed: (Math.floor(flags / 6) % 3) as Mode,
      source,
      did,
      rkey,
      rev,
      subject,
    })
  }
  return entries
}
