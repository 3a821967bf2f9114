import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** One way of doing a piece of work, for comparison with others. `step` does it once and is called with 0, 1, 2, …. */
export interface Candidate {
  name: string
  step: (i: number) => unknown
}

/** What was measured of a candidate. */
export interface Rate {
  name: string
  /** Steps a second of the process on the CPU, all its threads; the median over the rounds. */
  perSecond: number
  /** How much faster the first candidate was, the median of the rounds' ratios. */
  ratio: number
}

/** One line of the benchmarks: a figure of ours and one of a peer, from the same run. */
export interface Figure {
  name: string
  figure: number
  peer: string
  peerFigure: number
  /** Ours by the peer's. */
  ratio: number
  /** What one has to know of the circumstances. */
  note?: string
}

/** Where results of steps go, so that no work can be left out. */
export const sink: { value: unknown } = { value: undefined }

export interface CompareOptions {
  /** Default 15. */
  rounds?: number
  /** Default 150. */
  roundMs?: number
}

/**
 * Runs candidates in turn, round after round, so that whatever else the machine does falls on all of them, and compares
 * each with the first. Time is what the process spent on the CPU, garbage collection and all: on a machine that has other
 * things to do, the clock on the wall would measure those too.
 */
export function compare(candidates: readonly Candidate[], options: CompareOptions = {}): Rate[] {
  const { rounds = 15, roundMs = 150 } = options
  const rates = candidates.map(() => [] as number[])
  for (const { step } of candidates) timed(step, 2 * roundMs)
  for (let round = 0; round < rounds; round++) {
    for (const [i, { step }] of candidates.entries()) rates[i]!.push(timed(step, roundMs))
  }
  return summary(
    candidates.map(({ name }) => name),
    rates,
  )
}

/**
 * As `compare`, with a process for each candidate: what one teaches the compiler about code that they share, and what it
 * leaves on the heap, is not the others' to bear. `script` is run with a name, to call `serveCandidate`.
 */
export async function compareApart(
  script: string,
  names: readonly string[],
  options: CompareOptions = {},
): Promise<Rate[]> {
  const { rounds = 15, roundMs = 150 } = options
  const children = names.map(name => fork(script, [name]))
  try {
    for (const child of children) await ask(child, 4 * roundMs)
    const rates = names.map(() => [] as number[])
    for (let round = 0; round < rounds; round++) {
      for (const [i, child] of children.entries()) rates[i]!.push(await ask(child, roundMs))
    }
    return summary(names, rates)
  } finally {
    for (const child of children) if (child.connected) child.disconnect()
  }
}

/** In a process that `compareApart` started: does the work when it is asked to, until the parent goes. */
export function serveCandidate({ step }: Candidate): void {
  process.on('message', (ms: number) => process.send!(timed(step, ms)))
}

async function ask(child: ChildProcess, ms: number): Promise<number> {
  const gone = new AbortController()
  const onExit = (): void => gone.abort(new Error('a candidate ended before it answered'))
  child.once('exit', onExit)
  const answer = once(child, 'message', { signal: gone.signal })
  child.send(ms)
  const [perSecond] = (await answer) as [number]
  child.off('exit', onExit)
  return perSecond
}

function summary(names: readonly string[], rates: readonly (readonly number[])[]): Rate[] {
  return names.map((name, i) => ({
    name,
    perSecond: median(rates[i]!),
    ratio: median(rates[i]!.map((rate, round) => rates[0]![round]! / rate)),
  }))
}

/** The rates as lines: the first candidate beside each of the others. */
export function figuresOf(name: string, [ours, ...peers]: readonly Rate[]): Figure[] {
  return peers.map(({ name: peer, perSecond, ratio }) => {
    return { name, figure: ours!.perSecond, peer, peerFigure: perSecond, ratio }
  })
}

function timed(step: (i: number) => unknown, ms: number): number {
  const startedAt = process.cpuUsage()
  let steps = 0
  for (;;) {
    // Asking the clock costs as much as a small step.
    for (let i = 0; i < 64; i++) sink.value = step(steps++)
    const { user, system } = process.cpuUsage(startedAt)
    const elapsedMs = (user + system) / 1000
    if (elapsedMs >= ms) return (steps * 1000) / elapsedMs
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
