/** One way of doing a piece of work, for comparison with others. `step` does it once and is called with 0, 1, 2, …. */
export interface Candidate {
  name: string
  step: (i: number) => unknown
}

/** What was measured of a candidate. */
export interface Rate {
  name: string
  /** Steps a second, the median over the rounds. */
  perSecond: number
  /** How much faster the first candidate was, the median of the rounds' ratios. */
  ratio: number
}

/** Where results of steps go, so that no work can be left out. */
export const sink: { value: unknown } = { value: undefined }

/**
 * Runs candidates in turn, round after round, so that whatever else the machine does falls on all of them, and compares
 * each with the first.
 */
export function compare(
  candidates: readonly Candidate[],
  options: { rounds?: number; roundMs?: number } = {},
): Rate[] {
  const { rounds = 9, roundMs = 250 } = options
  const rates = candidates.map(() => [] as number[])
  for (const { step } of candidates) timed(step, roundMs)
  for (let round = 0; round < rounds; round++) {
    for (const [i, { step }] of candidates.entries()) rates[i]!.push(timed(step, roundMs))
  }
  return candidates.map(({ name }, i) => ({
    name,
    perSecond: median(rates[i]!),
    ratio: median(rates[i]!.map((rate, round) => rates[0]![round]! / rate)),
  }))
}

function timed(step: (i: number) => unknown, ms: number): number {
  const startedAt = performance.now()
  let steps = 0
  for (;;) {
    // Asking the clock costs as much as a small step.
    for (let i = 0; i < 16; i++) sink.value = step(steps++)
    const elapsed = performance.now() - startedAt
    if (elapsed >= ms) return (steps * 1000) / elapsed
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
