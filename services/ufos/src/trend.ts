/** Of a normal distribution: 95 of 100 are above this many standard deviations below the mean. */
const z = 1.645

/**
 * How many times as many there are now, as far as numbers of this size can tell: the low end of a 95 % confidence interval
 * of the ratio of two counts, each with half a one added so that none is zero. From 2 to 4 may be chance and gives 0.5,
 * from 200 to 400 is 1.7 at least, and from 0 to 10 is 1.9.
 */
export function growthAtLeast(now: number, before: number): number {
  const a = now + 0.5
  const b = before + 0.5
  return Math.exp(Math.log(a / b) - z * Math.sqrt(1 / a + 1 / b))
}
