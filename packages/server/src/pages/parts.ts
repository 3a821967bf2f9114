import type { Content, Html } from './html.ts'
import { html } from './html.ts'

const counts = new Intl.NumberFormat('en')

/** A whole number with separators of thousands: `12,345`. */
export function formatCount(value: number): string {
  return counts.format(value)
}

/** Text that may go on in the next line behind a slash, a colon or a dot: for identifiers, which have no blanks. */
export function breakable(text: string): Html {
  const pieces = text.split(/(?<=[/:.])(?![/:.])/)
  return html`${pieces.map((piece, i) => (i === 0 ? piece : html`<wbr />${piece}`))}`
}

/** An address on this server: path and parameters, those without a value left out; a list repeats its parameter. */
export function hrefOf(
  path: string,
  params: Readonly<Record<string, string | readonly string[] | undefined>>,
): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) query.append(name, one)
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`
}

export type Column = {
  title: string
  /** Numbers stand at the right, with their digits below each other; bars get the room that they need. */
  kind?: 'plain' | 'number' | 'bars'
}

/** A table. On narrow screens each row becomes a block, and numbers get their column's title in front. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  empty = 'Nothing here.',
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  const head = columns.map(({ title, kind = 'plain' }) => html`<th class="${kind}">${title}</th>`)
  const body = rows.map(
    cells =>
      html`<tr>
        ${cells.map((cell, i) => tableCell(columns[i]!, cell))}
      </tr> `,
  )
  return html`<div class="scroll">
    <table class="stack">
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`
}

function tableCell({ title, kind = 'plain' }: Column, cell: Content): Html {
  return html`<td class="${kind}" data-name="${title}">
    ${typeof cell === 'number' ? formatCount(cell) : cell}
  </td>`
}

/** Numbers side by side, each under its name. */
export function numbers(entries: readonly (readonly [name: string, value: number | string])[]): Html {
  return html`<dl class="numbers">
    ${entries.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${typeof value === 'number' ? formatCount(value) : value}</dd>
        </div>`,
    )}
  </dl>`
}

/**
 * A bar as wide as `whole` is of `max`, its darker part as wide as `part`. For the eye only: the numbers must stand beside it.
 * What is not nothing is never invisible.
 */
export function bar({ part, whole, max }: { part: number; whole: number; max: number }): Html {
  const width = (value: number): string =>
    value <= 0 || max <= 0 ? '0' : Math.min(100, Math.max(0.6, (value / max) * 100)).toFixed(2)
  return html`<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    <rect class="rest" width="${width(whole)}" height="1" />
    <rect class="part" width="${width(part)}" height="1" />
  </svg>`
}

/** What the answer is to programs, folded away. Very long answers are cut. */
export function rawJson(json: string): Html {
  const max = 200_000
  const pretty = JSON.stringify(JSON.parse(json), null, 2)
  const cut = pretty.length > max
  return html`<details>
    <summary>The same as JSON</summary>
    <pre><code>${cut ? `${pretty.slice(0, max)}\n… cut here` : pretty}</code></pre>
  </details>`
}
