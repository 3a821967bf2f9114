/** How many times the usual number of cases the property tests try. `FUZZ_RUNS=50` looks deeper. */
const factor = Number(process.env.FUZZ_RUNS ?? 1)

/** The number of cases for a property that tries `usual` of them by default, as fast-check's parameters. */
export function runs(usual: number): { numRuns: number } {
  return { numRuns: Math.ceil(usual * factor) }
}
