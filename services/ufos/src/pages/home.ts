import { breakable, form, formatCount, type Html, html, numbers, page, table } from '@orrery/server'
import { endpoints } from '../routes/all.ts'
import type { Endpoint, EndpointContext } from '../routes/endpoint.ts'
import type { CollectionCounts, Counts, StoreStats } from '../store.ts'
import { dayHours, hourMs, steps, weekHours } from '../time.ts'
import { bars, sparkline } from './chart.ts'

/** What the page shows of the network. */
export interface HomeData {
  stats: StoreStats
  /** Of the last week, by the hour. */
  hours: readonly Counts[]
  /** With most accounts in the last week. */
  top: readonly (CollectionCounts & { days: readonly Counts[] })[]
}

const topCount = 12

/** Asks the store for what the page shows. */
export async function readHome({ reader, now }: EndpointContext): Promise<HomeData> {
  const until = Math.floor(now() / hourMs)
  const week = { since: until - weekHours, until }
  const [stats, hours, top] = await Promise.all([
    reader.stats(),
    reader.series({ nsid: undefined, windows: steps(week, 1) }),
    reader.ranked({ window: week, order: 'dids', limit: topCount }),
  ])
  const days = await Promise.all(
    top.map(({ nsid }) => reader.series({ nsid, windows: steps(week, dayHours) })),
  )
  return { stats, hours, top: top.map((one, i) => Object.assign(one, { days: days[i]! })) }
}

/** The home page: what the network is made of, and every endpoint with its parameters and a form. */
export function homePage({ stats, hours, top }: HomeData, version: string): string {
  return page({
    title: 'UFOs',
    service: 'UFOs',
    version,
    nav: [{ href: '/openapi', text: 'OpenAPI' }],
    main: html`<h1>What is it made of?</h1>
      <p class="lead">
        Every collection that was ever seen in the firehose: how many records are created, updated and
        deleted, how many accounts do it, and what the newest records look like.
      </p>
      ${numbers([
        ['collections', stats.collections],
        ['accounts', stats.dids],
        ['records created', stats.creates],
        ['samples', stats.samples],
      ])}
      <h2>The last week, by the hour</h2>
      ${bars(
        hours.map(({ creates, updates, deletes }) => creates + updates + deletes),
        'Events an hour over the last week',
      )}
      <h2>Used most</h2>
      <p class="lead">By accounts in the last week; the bars are its days.</p>
      ${topTable(top)}
      <h2>Questions</h2>
      <p class="lead">
        Answers are JSON. Times are RFC 3339 with an offset, go down to the hour, and a window is from
        <code>since</code> until <code>until</code>. Errors have <code>error</code>, <code>message</code> and
        <code>request_id</code>. Accounts are counted exactly up to 128, and with a standard error of 0.81 %
        beyond; counts are of events since this server began, and never of records that are there now.
      </p>
      ${endpoints.map(card)}`,
  })
}

function topTable(top: HomeData['top']): Html {
  const rows = top.map(({ nsid, creates, updates, deletes, dids, days }) => [
    html`<a href="/timeseries?collection=${nsid}&amp;step=day"><code>${breakable(nsid)}</code></a>
      <a href="/records?collection=${nsid}" title="newest records">↗</a>`,
    sparkline(
      days.map(day => day.dids),
      `accounts a day: ${days.map(day => formatCount(day.dids)).join(', ')}`,
    ),
    dids,
    creates,
    updates,
    deletes,
  ])
  const columns = [
    { title: 'collection' },
    { title: '', kind: 'bars' as const },
    ...['accounts', 'creates', 'updates', 'deletes'].map(title => ({ title, kind: 'number' as const })),
  ]
  return table(columns, rows, 'Nothing happened yet, or not a full hour has passed.')
}

function card(endpoint: Endpoint): Html {
  const { path, title, summary, params } = endpoint
  const rows = params.map(param => [
    html`<code>${param.name}</code
      >${param.required && html` <span class="tag">required</span>`}${param.repeatable && html` <span class="tag">repeatable</span>`}`,
    marked(param.summary),
  ])
  return html`<section class="card">
    <h3>${title}</h3>
    <p><code>GET ${breakable(path)}</code></p>
    <p>${marked(summary)}</p>
    ${
      rows.length > 0 &&
      html`<details>
        <summary>Parameters</summary>
        ${table([{ title: 'parameter' }, { title: 'what it does' }], rows)}
      </details>`
    }
    <details>
      <summary>Try it</summary>
      ${form(
        path,
        params
          .filter(({ name }) => name !== 'cursor')
          .map(({ name, required, example }) => ({
            kind: 'text',
            name,
            label: name,
            required,
            placeholder: example,
            // An empty collection is none, and an error.
            value: required || name === 'collection' ? example : undefined,
          })),
        'Ask',
      )}
    </details>
  </section> `
}

/** Text with its `code` as code. */
function marked(text: string): Html {
  const parts = text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))
  return html`${parts}`
}
