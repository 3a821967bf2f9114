import {
  breakable,
  type Field,
  form,
  type Html,
  html,
  numbers,
  page,
  pageHeaders,
  table,
} from '@orrery/server'
import { endpoints } from '../routes/all.ts'
import type { Endpoint } from '../routes/endpoint.ts'

export { pageHeaders }

/** What the page tells of the cache. */
export interface HomeNumbers {
  records: number
  evicted: number
  entriesInMemory: number
}

/** The home page: what the service is for, and every route with its parameters and a form. */
export function homePage({ records, evicted, entriesInMemory }: HomeNumbers, version: string): string {
  return page({
    title: 'Slingshot',
    service: 'Slingshot',
    version,
    nav: [{ href: '/openapi', text: 'OpenAPI' }],
    main: html`<h1>Any record, any identity</h1>
      <p class="lead">
        A cache that follows the firehose: records as they are written, updated and deleted, and the
        identities behind them. What is not here is asked of the account’s own server, checked, and kept.
      </p>
      ${numbers([
        ['records on disk', records],
        ['records in memory', entriesInMemory],
        ['let go for want of room', evicted],
      ])}
      <p>
        Errors are JSON, <code>error</code> and <code>message</code>. A record that was deleted or never was
        is a 400 <code>RecordNotFound</code>; a server that fails is a 502, one that is too slow a 504.
        <code>x-record-verified</code> says whether the repository’s signature over the record was checked
        here.
      </p>
      ${endpoints.map(card)}`,
  })
}

function card(endpoint: Endpoint): Html {
  const { method, paths, title, summary, params, returns } = endpoint
  const [path, ...older] = paths
  const rows = params.map(param => [
    html`<code>${param.name}</code>${param.required && html` <span class="tag">required</span>`}`,
    marked(param.summary),
  ])
  return html`<section class="card">
    <h3>${title}</h3>
    <p><code>${method} ${breakable(path)}</code></p>
    ${older.map(name => html`<p>Also <code>${breakable(name)}</code></p>`)}
    <p>${marked(summary)}</p>
    <details>
      <summary>Parameters and answer</summary>
      ${table([{ title: 'parameter' }, { title: 'what it does' }], rows)}
      <pre><code>${returns}</code></pre>
    </details>
    ${
      method === 'GET' &&
      html`<details>
        <summary>Try it</summary>
        ${form(path, params.map(fieldOf), 'Ask')}
      </details>`
    }
  </section> `
}

function fieldOf({ name, required, example }: Endpoint['params'][number]): Field {
  return { kind: 'text', name, label: name, required, placeholder: example, value: example, wide: true }
}

/** Text with its `code` as code. */
function marked(text: string): Html {
  const parts = text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))
  return html`${parts}`
}
