import type { Random } from '../activity/random.ts'

/**
 * Chooses among `count` things of which the first is the most popular: a power law, as accounts and posts have it. With
 * the default exponent the first percent of 2,000 accounts does about half of everything.
 */
export function createPopularity(count: number, exponent = 1.05): (random: Random) => number {
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
