import { type Html, html, table } from '@orrery/server'
import type { Link, RecordKey } from '../store.ts'
import { didHtml, listHrefs, recordHtml, sourceHtml, sourcesHref, targetHtml } from './hrefs.ts'
import { leftOut, maxRows } from './lists.ts'

/** What a record links to, and how many others link there in the same way. */
export function forwardView(record: RecordKey, links: readonly Link[]): Html {
  const { collection } = record
  const rows = links
    .slice(0, maxRows)
    .map(({ path, target }) => [
      html`<a
        href="${listHrefs({ target, source: { collection, path } }).links}"
        title="all links of this kind"
        >${sourceHtml({ collection, path })}</a
      >`,
      targetHtml(target),
    ])
  const uri = `at://${record.did}/${collection}/${record.rkey}`
  return html`<p>${didHtml(record.did)} / <code>${collection}</code> / ${recordHtml(record)}</p>
    <ul class="links">
      <li><a href="${sourcesHref(uri)}">what links to it</a></li>
    </ul>
    ${leftOut(links.length)}
    ${table([{ title: 'where in the record' }, { title: 'target' }], rows, 'No links known.')}`
}
