/** The queries in a dashboard of Grafana, or in a file of rules. */
export function expressionsIn(text: string): string[] {
  if (text.startsWith('{')) {
    const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] }
    return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  }
  // Rules: `expr:` with its text behind it, in quotes, or folded below.
  return Array.from(
    text.matchAll(/^ +expr: (?:>-\n((?: {10}.*\n)+)|'(.*)'$|([^>'].*)$)/gm),
    ([, folded, quoted, plain]) => (folded ?? quoted ?? plain ?? '').replaceAll(/\s+/g, ' '),
  )
}
