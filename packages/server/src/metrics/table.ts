import type { MetricInfo, Metrics } from './metrics.ts'

/**
 * The Markdown table of all metrics declared so far, for a README, to stand between `<!-- metrics -->` and `<!-- /metrics -->`. The metrics of
 * the process itself (`process_…`, `nodejs_…`) are the same everywhere and left out.
 */
export function metricsTable(metrics: Pick<Metrics, 'infos'>): string {
  const rows = metrics.infos.map(
    info => `| \`${info.name}\` | ${info.type} | ${labelsOf(info)} | ${cell(info.help)} |`,
  )
  return ['| metric | type | labels | what it tells |', '|---|---|---|---|', ...rows].join('\n')
}

function labelsOf(info: MetricInfo): string {
  if (info.labels.length === 0) return '–'
  return info.labels
    .map(({ name, values }) =>
      typeof values === 'number'
        ? `\`${name}\` (at most ${values})`
        : `\`${name}\` (${values.map(value => cell(`\`${value}\``)).join(', ')})`,
    )
    .join(', ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
