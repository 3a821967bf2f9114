/** Determines what the tests of this process try: the variable `TEST_SEED`, else any. It stands in their names. */
export const testSeed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000)
