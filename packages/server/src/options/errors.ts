/**
 * The options given to a service cannot be used. `problems` lists every single one, each a line for the operator that
 * says what was given and what is expected; values of secrets are never in it.
 */
export class OptionsError extends Error {
  override readonly name = 'OptionsError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `${problems.length} ${problems.length === 1 ? 'option needs' : 'options need'} attention:\n${lines(problems)}`,
    )
    this.problems = problems
  }
}

function lines(problems: readonly string[]): string {
  return problems.map(problem => `  ${problem}`).join('\n')
}

/**
 * The known name that an unknown one was most likely meant to be, or undefined when none is close: at most two edits, or a
 * third of its letters.
 */
export function nearest(unknown: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(unknown.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(unknown, name)
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

/** Levenshtein: insertions, deletions and replacements of one letter, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
