import type { Figure } from './figure.ts'
import { isReached, targetOf } from './targets.ts'

const columns = ['', 'ours', 'beside', 'ratio', 'target', ''] as const

/** The figures of one bench as aligned lines. */
export function report(figures: readonly Figure[]): string {
  const rows = figures.map(figure => {
    const { name, figure: ours, peer, peerFigure, ratio } = figure
    const reached = isReached(figure)
    return [
      name,
      short(ours),
      peer === undefined ? '' : `${peerFigure === undefined ? '' : `${short(peerFigure)} `}${peer}`,
      ratio === undefined ? '' : `${short(ratio)}×`,
      targetText(figure),
      reached === undefined ? '' : reached ? '✓' : '✗',
    ]
  })
  const widths = columns.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 1 || i === 3 || i === 4 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  const notes = figures.filter(({ note }) => note !== undefined).map(({ name, note }) => `  ${name}: ${note}`)
  return [line(columns), ...rows.map(line), ...notes].join('\n')
}

function targetText(figure: Figure): string {
  const target = targetOf(figure)
  if (!target) return ''
  const { atLeast, atMost, of } = target
  const times = of === 'ratio' ? '×' : ''
  return atLeast === undefined ? `≤ ${short(atMost!)}${times}` : `≥ ${short(atLeast)}${times}`
}

/** A number as people read it: whole from a hundred up, else three digits. */
function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}
