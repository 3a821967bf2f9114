import { countRanks, maxRank, registerCount } from './registers.ts'

// A version, a form, and then
// - exact: the elements in rising order, seven bytes each, little-endian
// - few: for each register that is set, in two bytes, how many unset ones are before it (10 bits) and its rank (6 bits);
//   rank 0 stands for unset ones only
// - many: the lowest rank; what each register has above that in four bits, a register of the lower half beside one of the
//   upper; and those that have 15 above it or more, with number (two bytes) and rank
// Each sketch is written in the form that takes least, so that equal sketches have equal bytes.

const version = 1
const forms = { exact: 0, few: 1, many: 2 } as const
const headBytes = 2
const elementBytes = 7
const maxElement = 2 ** 52 - 1
/** How many unset registers an entry of `few` can tell of. */
const maxGap = 1023
const rankMask = 63
const halfCount = registerCount / 2
const entryBytes = 3
/** The highest that four bits tell; there may be more. */
const maxAbove = 15
/** With it, and four bits more, every rank there can be is told. */
const maxLowest = maxRank - maxAbove

/** Bytes are no sketch, or one of a version to come. They were damaged, or somebody made them up. */
export class SketchError extends Error {
  override readonly name = 'SketchError'
}

/** @param sketch elements in rising order, or registers */
export function encode(sketch: readonly number[] | Uint8Array): Uint8Array {
  if (!(sketch instanceof Uint8Array)) return encodeElements(sketch)
  const counts = countRanks(sketch)
  const lowest = Math.min(
    maxLowest,
    counts.findIndex(count => count > 0),
  )
  const beyond = counts.subarray(lowest + maxAbove).reduce((sum, count) => sum + count, 0)
  const set = registerCount - counts[0]!
  const manyBytes = headBytes + 1 + halfCount + beyond * entryBytes
  return headBytes + 2 * set < manyBytes ? encodeFew(sketch, set) : encodeMany(sketch, lowest, manyBytes)
}

/** Whether bytes hold elements, and not registers. @throws SketchError where they are neither */
export function holdElements(bytes: Uint8Array): boolean {
  check(bytes.length >= headBytes, 'they end early')
  check(bytes[0] === version, `version ${bytes[0]} is not known`)
  const form = bytes[1]!
  check(form <= forms.many, `form ${form} is not known`)
  return form === forms.exact
}

/** The elements that bytes hold, in rising order, at most `limit`. @throws SketchError */
export function decodeElements(bytes: Uint8Array, limit: number): number[] {
  const count = (bytes.length - headBytes) / elementBytes
  check(Number.isInteger(count) && count <= limit, 'their length cannot be')
  const elements: number[] = []
  let last = -1
  for (let at = headBytes; at < bytes.length; at += elementBytes) {
    const high = bytes[at + 4]! + bytes[at + 5]! * 2 ** 8 + bytes[at + 6]! * 2 ** 16
    const low = (readUint16(bytes, at) | (readUint16(bytes, at + 2) << 16)) >>> 0
    const element = high * 2 ** 32 + low
    check(element > last && element <= maxElement, 'the elements are not in rising order')
    elements.push(element)
    last = element
  }
  return elements
}

/** Raises registers to those that bytes hold. @throws SketchError; some may have been raised then */
export function mergeRegisters(bytes: Uint8Array, into: Uint8Array): void {
  if (bytes[1] === forms.few) mergeFew(bytes, into)
  else mergeMany(bytes, into)
}

/** Raises registers to others, four at a time. */
export function raiseTo(others: Uint8Array, into: Uint8Array): void {
  const words = new Int32Array(into.buffer, into.byteOffset, registerCount / 4)
  const otherWords = new Int32Array(others.buffer, others.byteOffset, registerCount / 4)
  for (let i = 0; i < words.length; i++) words[i] = maxOfBytes(words[i]!, otherWords[i]!)
}

function encodeElements(elements: readonly number[]): Uint8Array {
  const bytes = head(forms.exact, headBytes + elements.length * elementBytes)
  let at = headBytes
  for (const element of elements) {
    const high = Math.floor(element / 2 ** 32)
    for (let i = 0; i < 4; i++) bytes[at + i] = (element >>> (8 * i)) & 0xff
    for (let i = 0; i < 3; i++) bytes[at + 4 + i] = (high >>> (8 * i)) & 0xff
    at += elementBytes
  }
  return bytes
}

function encodeFew(registers: Uint8Array, set: number): Uint8Array {
  const entries = new Uint16Array(set + Math.ceil(registerCount / maxGap))
  let count = 0
  let gap = 0
  for (let i = 0; i < registerCount; i++) {
    const rank = registers[i]!
    if (rank === 0) {
      gap++
      continue
    }
    for (; gap > maxGap; gap -= maxGap) entries[count++] = maxGap << 6
    entries[count++] = (gap << 6) | rank
    gap = 0
  }
  const bytes = head(forms.few, headBytes + count * 2)
  for (let i = 0; i < count; i++) {
    bytes[headBytes + 2 * i] = entries[i]!
    bytes[headBytes + 2 * i + 1] = entries[i]! >>> 8
  }
  return bytes
}

function encodeMany(registers: Uint8Array, lowest: number, length: number): Uint8Array {
  const bytes = head(forms.many, length)
  bytes[headBytes] = lowest
  const words = new Int32Array(registers.buffer, registers.byteOffset, registerCount / 4)
  const half = alignedWords.length
  const lowests = lowest * 0x01010101
  for (let i = 0; i < half; i++) {
    const low = minOfBytes(words[i]! - lowests, 0x0f0f0f0f)
    const high = minOfBytes(words[i + half]! - lowests, 0x0f0f0f0f)
    alignedWords[i] = low | (high << 4)
  }
  bytes.set(aligned, headBytes + 1)
  let at = headBytes + 1 + halfCount
  for (let i = 0; at < length; i++) {
    const rank = registers[i]!
    if (rank - lowest < maxAbove) continue
    bytes[at] = i
    bytes[at + 1] = i >>> 8
    bytes[at + 2] = rank
    at += entryBytes
  }
  return bytes
}

function mergeFew(bytes: Uint8Array, into: Uint8Array): void {
  check(bytes.length % 2 === 0, 'their length cannot be')
  let index = 0
  let rank = 0
  for (let at = headBytes; at < bytes.length; at += 2) {
    const entry = readUint16(bytes, at)
    index += entry >>> 6
    rank = entry & rankMask
    if (rank === 0) check(entry >>> 6 === maxGap, 'a gap is not as long as it can be')
    else {
      check(index < registerCount && rank <= maxRank, 'a register cannot be')
      // Not a branch: nobody can guess which one is larger.
      into[index] = Math.max(rank, into[index]!)
      index++
    }
  }
  check(rank > 0, 'they end in a gap')
}

/** Where words of four bytes can be read from, whatever place the bytes had. */
const aligned = new Uint8Array(halfCount)
const alignedWords = new Int32Array(aligned.buffer)

function mergeMany(bytes: Uint8Array, into: Uint8Array): void {
  const entriesAt = headBytes + 1 + halfCount
  check(bytes.length >= entriesAt && (bytes.length - entriesAt) % entryBytes === 0, 'their length cannot be')
  const lowest = bytes[headBytes]!
  check(lowest <= maxLowest, 'a rank cannot be')
  aligned.set(bytes.subarray(headBytes + 1, entriesAt))
  const words = new Int32Array(into.buffer, into.byteOffset, registerCount / 4)
  const half = alignedWords.length
  const lowests = lowest * 0x01010101
  for (let i = 0; i < half; i++) {
    const word = alignedWords[i]!
    words[i] = maxOfBytes(words[i]!, ((word & 0x0f0f0f0f) + lowests) | 0)
    words[i + half] = maxOfBytes(words[i + half]!, (((word >>> 4) & 0x0f0f0f0f) + lowests) | 0)
  }
  let last = -1
  for (let at = entriesAt; at < bytes.length; at += entryBytes) {
    const index = readUint16(bytes, at)
    const rank = bytes[at + 2]!
    check(index > last && index < registerCount, 'the registers are not in rising order')
    check(rank >= lowest + maxAbove && rank <= maxRank, 'a rank cannot be')
    if (rank > into[index]!) into[index] = rank
    last = index
  }
}

/** The larger one of each of four bytes, all of them below 128. */
function maxOfBytes(a: number, b: number): number {
  return b ^ ((a ^ b) & notLess(a, b))
}

function minOfBytes(a: number, b: number): number {
  return a ^ ((a ^ b) & notLess(a, b))
}

/** Seven ones for each of four bytes of `a` that is not less than that of `b`: there its high bit stays. */
function notLess(a: number, b: number): number {
  const isNotLess = ((a | 0x80808080) - b) & 0x80808080
  return isNotLess - (isNotLess >>> 7)
}

function head(form: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes[0] = version
  bytes[1] = form
  return bytes
}

function readUint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

function check(isRight: boolean, problem: string): asserts isRight {
  if (!isRight) throw new SketchError(`these bytes are no sketch: ${problem}`)
}
