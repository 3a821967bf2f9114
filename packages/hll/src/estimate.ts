import { countRanks, maxRank, registerCount } from './registers.ts'

const m = registerCount

/**
 * How many different elements set these registers, by Ertl's improved raw estimator: no tables, no threshold between two
 * formulas, right from a few to as many as ranks can tell.
 *
 * @see https://arxiv.org/abs/1702.01284, section 3 (algorithm 6)
 */
export function estimate(registers: Uint8Array): number {
  const counts = countRanks(registers)
  let z = m * tau(1 - counts[maxRank]! / m)
  for (let rank = maxRank - 1; rank >= 1; rank--) z = 0.5 * (z + counts[rank]!)
  z += m * sigma(counts[0]! / m)
  return (m * m) / (2 * Math.LN2 * z)
}

/** What registers that nothing reached add. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY
  let x = share
  let y = 1
  let z = share
  for (let before = Number.NaN; z !== before;) {
    before = z
    x *= x
    z += x * y
    y += y
  }
  return z
}

/** What registers at the highest rank add, which could be higher if there were one. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let x = share
  let y = 1
  let z = 1 - share
  for (let before = Number.NaN; z !== before;) {
    before = z
    x = Math.sqrt(x)
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}
