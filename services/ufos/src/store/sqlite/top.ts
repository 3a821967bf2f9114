/**
 * The best by a score that is dear: candidates are scored in the order of their bounds, until no bound that is left reaches
 * the score of the last of the best. Ties by `compare`. What `score` answers undefined for is left out.
 */
export function topBy<T, Scored>(
  candidates: readonly { item: T; /** Its score is no higher. */ atMost: number }[],
  options: {
    limit: number
    score: (item: T) => { score: number; scored: Scored } | undefined
    compare: (a: Scored, b: Scored) => number
  },
): Scored[] {
  const { limit, score, compare } = options
  const best: { score: number; scored: Scored }[] = []
  for (const { item, atMost } of candidates.toSorted((a, b) => b.atMost - a.atMost)) {
    if (best.length === limit && best.at(-1)!.score > atMost) break
    const found = score(item)
    if (!found) continue
    const place = best.findIndex(
      one => one.score < found.score || (one.score === found.score && compare(found.scored, one.scored) < 0),
    )
    best.splice(place === -1 ? best.length : place, 0, found)
    if (best.length > limit) best.pop()
  }
  return best.map(({ scored }) => scored)
}
