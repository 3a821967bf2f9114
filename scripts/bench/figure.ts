/** One line of the benchmarks. A bench module exports an async function `bench…` that answers some of them. */
export interface Figure {
  /** What was measured, with its unit. */
  name: string
  figure: number
  /** Who or what did the same, or the least of it, in the same run; and its figure. */
  peer?: string
  peerFigure?: number
  /** Ours by the peer's. */
  ratio?: number
  /** What one has to know of the circumstances. */
  note?: string
}
