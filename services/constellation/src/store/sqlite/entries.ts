import { ByteWriter } from './bytes.ts'
import { formatTid, type Rkey } from './rkey.ts'

// A run of a list: who links, in the order in which they came. Each has a slot, a number that counts up in its list and is
// never given again. One that is gone leaves its slot behind, in a byte.
//
//   run    = slot of the first entry · time of the first entry · entry …
//   entry  = DID × 16 + flags · [time since the entry before] · key of the record
//
// About 11 bytes: 3 or 4 for the DID, 2 for the time, and 5 for a TID, which is told by how far it is from the time.

/** Whether a DID has an older entry in the same list. */
const again = 1
/** Whether it came later than the entry before. */
const later = 2
/** How the key is told: a TID near the time, a TID in eight bytes, text. */
const forms = { near: 0, far: 4, text: 8 } as const

/** Times are kept in seconds from here on: 2020. */
const epochSeconds = 1_577_836_800

/** Seconds as they are kept. */
export function secondsOf(timeMs: number): number {
  return Math.max(0, Math.floor(timeMs / 1000) - epochSeconds)
}

/** The first second, as they are kept, that is not before a time. */
export function secondsFrom(timeMs: number): number {
  return Math.ceil(timeMs / 1000) - epochSeconds
}

export function timeMsOf(seconds: number): number {
  return (seconds + epochSeconds) * 1000
}

/** Beyond this distance from its time (in microseconds, 25 days) a TID is kept whole. */
const nearMicros = 2 ** 41

/** Reads a run from the front. The fields tell of the entry that `next` came to. */
export class EntryReader {
  /** The slot of the entry. */
  slot: number
  /** When it came, seconds. */
  time: number
  /** Where it begins and ends. */
  start = 0
  end: number
  /** 0 where the entry is gone. */
  did = 0
  isAgain = false
  #bytes: Uint8Array
  #micros = 0
  #clock = 0
  #textAt = -1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.end = 0
    this.slot = this.#varint() - 1
    this.time = this.#varint()
  }

  /** Goes on to the next entry; false at the end. */
  next(): boolean {
    if (this.end >= this.#bytes.length) return false
    this.start = this.end
    this.slot++
    const head = this.#varint()
    this.did = Math.floor(head / 16)
    this.isAgain = (head & again) !== 0
    if ((head & later) !== 0) this.time += this.#varint()
    if (this.did === 0) return true
    this.#textAt = -1
    const form = head & 12
    if (form === forms.near) {
      const value = this.#varint()
      this.#clock = value % 1024
      const zigzag = Math.floor(value / 1024)
      const distance = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
      this.#micros = (this.time + epochSeconds) * 1e6 + distance
    } else if (form === forms.far) {
      const value = this.#varint()
      this.#clock = this.#varint()
      this.#micros = value
    } else {
      const length = this.#varint()
      this.#textAt = this.end
      this.end += length
    }
    return true
  }

  get rkey(): string {
    if (this.#textAt < 0) return formatTid(this.#micros, this.#clock)
    return Buffer.from(this.#bytes.subarray(this.#textAt, this.end)).toString()
  }

  #varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.end++]!
    if (byte < 128) return byte
    let value = byte & 127
    let scale = 128
    do {
      byte = bytes[this.end++]!
      value += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    return value
  }
}

const writer = new ByteWriter()

/** An entry as it is written: `isAgain` where its DID has an older one in the list. */
export interface NewEntry {
  did: number
  isAgain: boolean
  rkey: Rkey
}

/** A run of one entry. */
export function startRun(slot: number, time: number, entry: NewEntry): Buffer {
  return runWriter.start(slot, time, entry).take()
}

/** A run with an entry more. `lastTime` is the time of its last entry. */
export function extendRun(run: Uint8Array, lastTime: number, time: number, entry: NewEntry): Buffer {
  return runWriter.goOn(run, lastTime).append(time, entry).take()
}

/** Writes runs, an entry after the other. */
export class RunWriter {
  readonly #writer = new ByteWriter()
  #lastTime = 0

  /** Begins a run with its first entry. */
  start(slot: number, time: number, entry: NewEntry): this {
    this.#writer.reset().varint(slot).varint(time)
    this.#lastTime = time
    return this.append(time, entry)
  }

  /** Begins with a run that there is; `lastTime` is the time of its last entry. */
  goOn(run: Uint8Array, lastTime: number): this {
    this.#writer.reset().bytes(run)
    this.#lastTime = lastTime
    return this
  }

  append(time: number, entry: NewEntry): this {
    writeEntry(this.#writer, entry, time - this.#lastTime, time)
    this.#lastTime = time
    return this
  }

  /** Bytes of the run. */
  get length(): number {
    return this.#writer.length
  }

  /** A copy of the run. */
  take(): Buffer {
    return this.#writer.take()
  }
}

const runWriter = new RunWriter()

function writeEntry(to: ByteWriter, { did, isAgain, rkey }: NewEntry, delay: number, time: number): void {
  const flags = (isAgain ? again : 0) + (delay > 0 ? later : 0)
  const head = (form: number): void => {
    to.varint(did * 16 + flags + form)
    if (delay > 0) to.varint(delay)
  }
  if ('text' in rkey) {
    head(forms.text)
    to.varint(rkey.text.length).bytes(rkey.text)
    return
  }
  const distance = rkey.micros - (time + epochSeconds) * 1e6
  if (Math.abs(distance) < nearMicros) {
    head(forms.near)
    to.varint((distance >= 0 ? distance * 2 : -distance * 2 - 1) * 1024 + rkey.clock)
  } else {
    head(forms.far)
    to.varint(rkey.micros).varint(rkey.clock)
  }
}

/** What became of a run when an entry was taken out of it. */
export interface Shortened {
  /** The run without it; undefined where nothing else is left. */
  run: Buffer | undefined
  did: number
  /** Whether the entry was not the oldest of its DID. */
  wasAgain: boolean
}

/**
 * A run without the entry of a slot. Where `promote` is set and the entry was the oldest of its DID here, the next one
 * of that DID takes its place.
 *
 * @throws RangeError where the slot is not in the run or empty, which means that the index is damaged
 */
export function shortenRun(run: Uint8Array, slot: number, promote: boolean): Shortened {
  const reader = new EntryReader(run)
  let firstLive = -1
  while (reader.next() && reader.slot < slot) if (reader.did !== 0 && firstLive < 0) firstLive = reader.start
  if (reader.slot !== slot || reader.did === 0) throw new RangeError(`the index has no entry in slot ${slot}`)
  const { did, isAgain, start, end } = reader
  const hadLater = (run[start]! & later) !== 0

  let nextLive: { start: number; slot: number; time: number; afterTime: number } | undefined
  let promoted = -1
  while (reader.next()) {
    if (reader.did === 0) continue
    nextLive ??= { start: reader.start, slot: reader.slot, time: reader.time, afterTime: reader.end }
    if (promote && !isAgain && promoted < 0 && reader.did === did) promoted = reader.start
  }
  if (firstLive < 0 && !nextLive) return { run: undefined, did, wasAgain: isAgain }

  const copy = Buffer.from(run)
  if (promoted >= 0) copy[promoted]! &= ~again
  writer.reset()
  if (firstLive < 0) {
    // What is gone at the front need not be kept: the run begins with the next entry that is there.
    const { start: from, slot: first, time } = nextLive!
    writer
      .varint(first)
      .varint(time)
      .bytes(withoutDelay(copy.subarray(from)))
  } else {
    writer.bytes(copy.subarray(0, start)).varint(hadLater ? later : 0)
    if (hadLater) writer.bytes(delayOf(copy.subarray(start)))
    writer.bytes(copy.subarray(end))
  }
  return { run: writer.take(), did, wasAgain: isAgain }
}

/** How many bytes the number at the front takes. */
function varintLength(bytes: Uint8Array, at = 0): number {
  let length = 1
  while (bytes[at + length - 1]! >= 128) length++
  return length
}

/** The delay of the first entry, as it stands. */
function delayOf(entries: Uint8Array): Uint8Array {
  const at = varintLength(entries)
  return entries.subarray(at, at + varintLength(entries, at))
}

/** Entries of which the first has no delay, as the run's own time tells it. */
function withoutDelay(entries: Buffer): Buffer {
  if ((entries[0]! & later) === 0) return entries
  const head = varintLength(entries)
  const delay = varintLength(entries, head)
  const rest = Buffer.concat([entries.subarray(0, head), entries.subarray(head + delay)])
  rest[0]! &= ~later
  return rest
}

/** Slot and time of a run's last entry, whether it is there or not. */
export function endOf(run: Uint8Array): { lastSlot: number; lastTime: number } {
  const reader = new EntryReader(run)
  while (reader.next());
  return { lastSlot: reader.slot, lastTime: reader.time }
}
