import { bar, formatCount, type Html, hrefOf, html, numbers, table } from '@orrery/server'
import { didOf } from '@orrery/links'
import type { SourceCounts, TargetCounts } from '../store.ts'
import { accountHref, didHtml, forwardHref, listHrefs, sourceHtml, sourcesHref, targetHtml } from './hrefs.ts'
import { leftOut, maxRows } from './lists.ts'

const countColumns = [
  { title: '', kind: 'bars' as const },
  { title: 'links', kind: 'number' as const },
  { title: 'accounts', kind: 'number' as const },
]

/** Where links to a target come from, as bars: at a glance, what it is known for. */
export function sourcesView(target: string, all: readonly SourceCounts[]): Html {
  const sources = all.slice(0, maxRows)
  const max = largest(sources)
  const rows = sources.map(counts => [
    html`<a href="${listHrefs({ target, source: counts.source }).links}">${sourceHtml(counts.source)}</a>`,
    ...countCells(counts, max, listHrefs({ target, source: counts.source }).dids),
  ])
  const did = didOf(target)
  const forward = forwardHref(target)
  const sum = sources.reduce((total, { records }) => total + records, 0)
  return html`<p>${targetHtml(target)}</p>
    <ul class="links">
      <li><a href="${sourcesHref(target)}">sources, most first</a></li>
      <li><a href="${hrefOf('/links/all', { target })}">all sources on one page</a></li>
      ${forward !== undefined && html`<li><a href="${forward}">what it links to</a></li>`}
      ${did !== undefined && html`<li><a href="${accountHref(did)}">what else of the account is linked to</a></li>`}
    </ul>
    ${numbers([
      ['sources shown', sources.length],
      ['links from them', sum],
    ])}
    ${leftOut(all.length)} ${rows.length > 0 && barKey()}
    ${table([{ title: 'source' }, ...countColumns], rows)}`
}

/** What of an account is linked to, and from where. */
export function targetsView(did: string, targets: readonly TargetCounts[]): Html {
  const max = largest(targets)
  const rows = targets.map((counts, i) => [
    // The sources of a target stand together: it is named at the first.
    counts.target === targets[i - 1]?.target ? '' : targetHtml(counts.target),
    html`<a href="${listHrefs(counts).links}">${sourceHtml(counts.source)}</a>`,
    ...countCells(counts, max, listHrefs(counts).dids),
  ])
  return html`<p>${didHtml(did)}</p>
    <ul class="links">
      <li><a href="${sourcesHref(did)}">what links to the account itself</a></li>
    </ul>
    ${rows.length > 0 && barKey()} ${table([{ title: 'target' }, { title: 'source' }, ...countColumns], rows)}`
}

/** What the two colours of a bar mean. */
export function barKey(): Html {
  return html`<p class="lead">
    <span class="key"></span>accounts <span class="key rest"></span>links beyond one an account
  </p>`
}

function largest(all: readonly SourceCounts[]): number {
  return all.reduce((max, { records }) => Math.max(max, records), 0)
}

function countCells({ records, distinct }: SourceCounts, max: number, didsHref: string): (Html | number)[] {
  const accounts = html`<a href="${didsHref}">${formatCount(distinct)}</a>`
  return [bar({ part: distinct, whole: records, max }), records, accounts]
}
