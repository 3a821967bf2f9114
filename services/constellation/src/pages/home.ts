import { breakable, form, formatCount, type Html, html, markup, numbers, table } from '@orrery/server'
import { endpoints } from '../routes/all.ts'
import { batchPath } from '../routes/batch.ts'
import type { Endpoint } from '../routes/endpoint.ts'
import type { HomeBody } from '../routes/home.ts'
import { limits } from '../params/limits.ts'
import { serviceName, servicePage, tryForm } from './endpoint-page.ts'
import { sourcesPath } from './hrefs.ts'

/** The home page: what is in the index, what a link is, and every endpoint with its parameters and a form. */
export function homePage(body: HomeBody, version: string): string {
  const { stats, days_indexed: days, gaps } = body
  return servicePage(
    serviceName,
    version,
    html`<h1>Who links to this?</h1>
      <p class="lead">
        An index of every link in every record on the network: likes, follows, replies, mentions, lists and
        whatever else there is. Ask it what links to an account, a record or any address on the web.
      </p>
      ${numbers([
        ['links', stats.other_data['links'] ?? 0],
        ['records with links', stats.linking_records],
        ['targets, by source', stats.targetables],
        ['accounts that link', stats.dids],
      ])}
      <p>
        ${days === null ? 'Nothing is indexed yet.' : html`Indexed for ${formatCount(days)} ${days === 1 ? 'day' : 'days'}, since ${startOf(stats.started_at)}.`}
        ${gaps.length > 0 && html`Some of that time is <a href="#gaps">missing</a>.`}
      </p>
      <div class="card">${ask}</div>
      <h2>What a link is</h2>
      <div class="scroll">${picture}</div>
      <p>
        Every text in a record that is a URI, and nothing but a URI, is a link: an at-uri, a DID, a web
        address. Where it stands is its <em>source</em>: the collection of the record, and the path to the
        text. The path names the members that lead there; items of a list are <code>[]</code>, or
        <code>[type]</code> where they have a <code>$type</code>. What it links to is its <em>target</em>,
        kept in its normalised form.
      </p>
      <p>
        Lists are newest first, by when the index took the links in. Links of accounts that are deactivated,
        suspended or taken down are counted and not shown. A page may therefore be short or empty: only a
        <code>cursor</code> of <code>null</code> is the end. Every address answers JSON, or a page to
        browsers; a request that cannot be is a 400 that says why.
      </p>
      ${group('xrpc', 'XRPC', 'The API. Errors are JSON, error and message.')}
      ${group('more', 'Beyond the first Constellation', 'What this server adds. Errors are JSON, error and message.')}
      ${batch}
      ${group('older', 'Older routes', 'These have newer ones to use instead, and stay. Errors are plain text.')}
      ${gaps.length > 0 && gapsTable(gaps)}`,
  )
}

/** The one question that needs to know nothing of the API. */
const ask = form(
  sourcesPath,
  [
    {
      kind: 'text',
      name: 'target',
      label: 'What links to',
      hint: 'an at-uri, a DID or a web address',
      placeholder: 'at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l',
      required: true,
      wide: true,
    },
  ],
  'Show',
)

function group(name: Endpoint['group'], title: string, about: string): Html {
  const own = endpoints.filter(endpoint => endpoint.group === name)
  return html`<h2 id="${name}">${title}</h2>
    <p class="lead">${about}</p>
    ${own.map(endpointCard)}`
}

function endpointCard(endpoint: Endpoint): Html {
  const { path, title, summary, params, returns } = endpoint
  const rows = params.map(param => [
    html`<code>${param.name}</code
      >${param.required && html` <span class="tag">required</span>`}${param.kind === 'list' && html` <span class="tag">repeatable</span>`}`,
    param.summary,
  ])
  return html`<section class="card">
    <h3>${title}</h3>
    <p><code>GET ${breakable(path)}</code></p>
    <p>${summary}</p>
    <details>
      <summary>Parameters and answer</summary>
      ${table([{ title: 'parameter' }, { title: 'what it does' }], rows)}
      <pre><code>${returns}</code></pre>
    </details>
    <details${endpoint === endpoints[0] && html` open`}>
      <summary>Try it</summary>
      ${tryForm(endpoint)}
    </details>
  </section> `
}

const batch = html`<section class="card">
  <h3>Counts of many pairs at once</h3>
  <p><code>POST ${batchPath}</code></p>
  <p>Up to ${limits.pairs} pairs of target and source in one request, answered in their order.</p>
  <details>
    <summary>Request and answer</summary>
    <pre><code>curl -H 'content-type: application/json' http://localhost:6789${batchPath} -d '
  {"pairs":[{"target":"did:plc:z72i7hdynmk6r22z27h6tvur","source":"app.bsky.graph.follow:subject"}]}'

{"counts":[{"target":"did:plc:z72i7hdynmk6r22z27h6tvur","source":"app.bsky.graph.follow:subject","records":42,"distinct":42}]}</code></pre>
  </details>
</section> `

function gapsTable(gaps: HomeBody['gaps']): Html {
  const rows = gaps.map(({ source, from, to, reason }) => [
    html`<code>${source}</code>`,
    from === '' ? 'the beginning' : from,
    to,
    reason.replaceAll('_', ' '),
  ])
  return html`<h2 id="gaps">What is missing</h2>
    <p>
      Spans for which a source could not say what happened. Links from then may be missing, and some that are
      shown may be gone.
    </p>
    ${table([{ title: 'source' }, { title: 'from' }, { title: 'to' }, { title: 'why' }], rows)}`
}

function startOf(startedAtUs: number | null): string {
  return new Date((startedAtUs ?? 0) / 1000).toISOString().slice(0, 10)
}

/** A like, taken apart: the record, its source, its target. */
const picture =
  markup(`<svg class="picture" viewBox="0 0 640 150" role="img" aria-label="A record of the collection app.bsky.feed.like has, at the path subject.uri, the at-uri of a post: that is a link from the source app.bsky.feed.like:subject.uri to the post.">
<rect class="box" x="1" y="1" width="264" height="148" rx="8"/>
<text class="quiet" x="14" y="25">record</text><text x="64" y="25">app.bsky.feed.like/3kabc</text>
<g class="mono"><text x="14" y="56">{</text><text x="26" y="75">"subject": {</text><text x="38" y="94">"uri": "at://did:plc:bob/…",</text><text class="quiet" x="38" y="113">"cid": "bafyrei…"</text><text class="quiet" x="26" y="132">}, … }</text></g>
<path class="line" d="M252 90 H458"/><path class="tip" d="M456 83 L470 90 L456 97 Z"/>
<text x="290" y="58" class="quiet">source</text><text x="290" y="77">app.bsky.feed.like</text><text x="290" y="112">:subject.uri</text>
<rect class="box" x="472" y="34" width="167" height="100" rx="8"/>
<text class="quiet" x="486" y="58">target</text><text x="486" y="82">at://did:plc:bob/</text><text x="486" y="101">app.bsky.feed.post/</text><text x="486" y="120">3kxyz</text>
</svg>`)
