/** Registers of a sketch: 2^14, for a standard error of 1.04 / √16384 = 0.81 %. */
export const registerCount = 16_384

const indexBits = 14
/** Bits of an element behind those of its register. */
const rankBits = 38
/** The highest rank: all of them ones. */
export const maxRank = rankBits + 1

/** The register of an element: its low 14 bits. */
export function registerOf(element: number): number {
  return element & (registerCount - 1)
}

/** The rank of an element: one more than the ones at the low end of what is above those 14 bits. */
export function rankOf(element: number): number {
  // Shifting takes 32 bits, and there are 38: the rest is looked at only where all of the first are ones.
  const low = Math.floor(element / registerCount) >>> 0
  if (low !== 0xffffffff) return 1 + trailingOnes(low)
  const high = Math.floor(element / 2 ** (indexBits + 32))
  return 33 + Math.min(trailingOnes(high), rankBits - 32)
}

const ranks = maxRank + 1

/** How many registers have each rank. Neighbours are often equal; sums of their own do not wait for each other. */
export function countRanks(registers: Uint8Array): Uint32Array {
  const sums = new Uint32Array(4 * ranks)
  for (let i = 0; i < registerCount; i += 4) {
    sums[registers[i]!]!++
    sums[ranks + registers[i + 1]!]!++
    sums[2 * ranks + registers[i + 2]!]!++
    sums[3 * ranks + registers[i + 3]!]!++
  }
  for (let i = 0; i < ranks; i++) sums[i]! += sums[ranks + i]! + sums[2 * ranks + i]! + sums[3 * ranks + i]!
  return sums.subarray(0, ranks)
}

function trailingOnes(bits: number): number {
  const zeros = ~bits
  return 31 - Math.clz32(zeros & -zeros)
}
