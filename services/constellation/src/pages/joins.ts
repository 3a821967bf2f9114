import { bar, type Html, html, table } from '@orrery/server'
import type { JoinGroup, JoinItem, JoinKey } from '../store.ts'
import { didHtml, recordHtml, targetHtml } from './hrefs.ts'
import { about, emptyText } from './lists.ts'
import { barKey } from './sources.ts'

export function joinView(list: { key: JoinKey; items: readonly JoinItem[]; cursor: string | null }): Html {
  const rows = list.items.map(({ record, otherTarget }) => [
    didHtml(record.did),
    recordHtml(record),
    targetHtml(otherTarget),
  ])
  return html`${aboutJoin(list.key)}
  ${table([{ title: 'account' }, { title: 'record' }, { title: 'other side' }], rows, emptyText(list))}`
}

export function groupsView(list: { key: JoinKey; items: readonly JoinGroup[]; cursor: string | null }): Html {
  const max = Math.max(0, ...list.items.map(({ records }) => records))
  const rows = list.items.map(({ otherTarget, records, distinct }) => [
    targetHtml(otherTarget),
    bar({ part: distinct, whole: records, max }),
    records,
    distinct,
  ])
  const columns = [
    { title: 'other side' },
    { title: '', kind: 'bars' as const },
    { title: 'links', kind: 'number' as const },
    { title: 'accounts', kind: 'number' as const },
  ]
  return html`${aboutJoin(list.key)} ${rows.length > 0 && barKey()} ${table(columns, rows, emptyText(list))}`
}

function aboutJoin(key: JoinKey): Html {
  return html`${about(key)}
    <p>Joined with what the same records link to at <code>${key.pathToOther.slice(1)}</code>.</p>`
}
