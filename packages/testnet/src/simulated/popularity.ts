import type { Random } from '../activity/random.ts'

/**
 * Chooses among `count` things of which the first is the most popular: a power law, as accounts and posts have it. Of
 * 2,000 things and with an exponent of 0.7 the first percent gets a quarter, with 1 more than half.
 */
export function createPopularity(count: number, exponent: number): (random: Random) => number {
  const cumulative = new Float64Array(count)
  let sum = 0
  for (let i = 0; i < count; i++) cumulative[i] = sum += 1 / (i + 1) ** exponent
  return random => {
    const wanted = random.next() * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (cumulative[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}
