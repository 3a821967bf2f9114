import { encodeCbor, readCar, readFrame, RepoError } from '@orrery/repo'
import type { Random } from '../activity/random.ts'

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

/** What can be done to bytes that a machine or an enemy has in between. `other` is another frame. */
const ofBytes = {
  /** A few bits of it are others. */
  flipped: flip,
  truncated: (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  /** It begins as itself and ends as another one. */
  spliced: (bytes, random, other) =>
    joined(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length))),
  inserted(bytes, random) {
    const at = random.below(bytes.length)
    return joined(bytes.subarray(0, at), randomBytes(random, 1 + random.below(40)), bytes.subarray(at))
  },
  deleted(bytes, random) {
    const at = random.below(bytes.length)
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40)))
  },
  /** A part of it is there twice. */
  repeated(bytes, random) {
    const from = random.below(bytes.length)
    const to = from + 1 + random.below(200)
    return joined(bytes.subarray(0, to), bytes.subarray(from))
  },
  /** What may be the head of a text, of bytes, a list or a map says that there is more or less than there is. */
  lied(bytes, random) {
    const at = findHead(bytes, random)
    const major = bytes[at]! & 0xe0
    const lie = random.below(4)
    if (lie === 0) return joined(bytes.subarray(0, at), [major | random.below(24)], bytes.subarray(at + 1))
    const width = 2 ** (lie - 1)
    const length = randomBytes(random, width)
    // As often small as large, for a length beyond all sense is soon found out.
    if (random.below(2) === 0) length.fill(0, 0, width - 1)
    return joined(bytes.subarray(0, at), [major | (23 + lie)], length, bytes.subarray(at + 1))
  },
} as const satisfies Record<string, Mutation>

/** What can be done to a frame by somebody who knows what it is. */
const ofFrames = {
  /** Two blocks of its CAR have changed places, or one stands under the name of the other. */
  swapped(bytes, random) {
    const at = carIn(bytes)
    if (!at || at.blocks.length < 2) return flip(bytes, random)
    const copy = Uint8Array.from(bytes)
    const first = random.below(at.blocks.length)
    const a = at.blocks[first]!
    const b = at.blocks[(first + 1 + random.below(at.blocks.length - 1)) % at.blocks.length]!
    const length = Math.min(a.end - a.start, b.end - b.start)
    copy.set(bytes.subarray(b.start, b.start + length), a.start)
    copy.set(bytes.subarray(a.start, a.start + length), b.start)
    return copy
  },
  /** The length of a block of its CAR, or of the CAR's header, is another. */
  mismeasured(bytes, random) {
    const at = carIn(bytes)
    if (!at) return flip(bytes, random)
    const copy = Uint8Array.from(bytes)
    // The length stands before the CID of 36 bytes, in one byte or two.
    const starts = [at.start + 1, ...at.blocks.map(({ start }) => start - 36)]
    const before = starts[random.below(starts.length)]! - 1 - random.below(2)
    copy[before] = random.below(256)
    return copy
  },
  /** Its CAR is changed as any bytes may be, and the frame says how long it is now. */
  reworked(bytes, random, other) {
    const at = carIn(bytes)
    if (!at) return flip(bytes, random)
    const work = random.pick(Object.values(ofBytes))!
    const mixedIn = carIn(other)
    const donor = mixedIn ? other.subarray(mixedIn.start, mixedIn.end) : other
    const car = work(bytes.subarray(at.start, at.end), random, donor)
    const before = at.start - encodeCbor(bytes.subarray(at.start, at.end)).length + (at.end - at.start)
    return joined(bytes.subarray(0, before), encodeCbor(car), bytes.subarray(at.end))
  },
} as const satisfies Record<string, Mutation>

const mutations = { ...ofBytes, ...ofFrames }

export type MutationKind = keyof typeof mutations

export const mutationKinds = Object.keys(mutations) as MutationKind[]

/** Changes bytes in one way, as the seed decides. `other` is what may be mixed in. */
export function mutate(kind: MutationKind, bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  return bytes.length === 0 ? bytes : mutations[kind](bytes, random, other)
}

/** Bytes that the seed determines. */
export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

function flip(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes)
  for (let left = 1 + random.below(8); left > 0; left--)
    copy[random.below(copy.length)]! ^= 1 << random.below(8)
  return copy
}

function joined(...parts: readonly (Uint8Array | number[])[]): Uint8Array {
  return Buffer.concat(parts.map(part => Uint8Array.from(part)))
}

/** Where something may be the head of an item with a length: in a few tries, else anywhere. */
function findHead(bytes: Uint8Array, random: Random): number {
  let at = 0
  for (let tries = 0; tries < 20; tries++) {
    at = random.below(bytes.length)
    if (bytes[at]! >= 0x40 && bytes[at]! < 0xc0) return at
  }
  return at
}

interface CarPlace {
  start: number
  end: number
  blocks: { start: number; end: number }[]
}

/** Where the CAR of a commit's frame and the blocks in it are; undefined where the bytes are no such frame. */
function carIn(bytes: Uint8Array): CarPlace | undefined {
  try {
    const frame = readFrame(bytes)
    if (frame.kind !== 'commit' && frame.kind !== 'sync') return undefined
    const start = frame.blocks.byteOffset - bytes.byteOffset
    const car = readCar(frame.blocks, { verify: false })
    const blocks = Array.from({ length: car.size }, (_, i) => ({
      start: start + car.start(i),
      end: start + car.end(i),
    }))
    return { start, end: start + frame.blocks.length, blocks }
  } catch (error) {
    if (error instanceof RepoError) return undefined
    throw error
  }
}
