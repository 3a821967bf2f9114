import { atUriParts, formatSource, isDid } from '@orrery/links'
import { tryParsePath } from '@orrery/repo'
import { breakable, type Html, hrefOf, html, isWebAddress } from '@orrery/server'
import type { ListKey, RecordKey, Source } from '../store.ts'

// Where the pages lead to: each other, and a browser for records elsewhere.

const browser = 'https://pdsls.dev/at://'

export const sourcesPath = '/links/sources'

/** The addresses of what can be asked of one list. */
export function listHrefs({
  target,
  source,
}: ListKey): Record<'links' | 'dids' | 'count' | 'accounts', string> {
  const params = { subject: target, source: formatSource(source.collection, source.path) }
  return {
    links: hrefOf('/xrpc/blue.microcosm.links.getBacklinks', params),
    dids: hrefOf('/xrpc/blue.microcosm.links.getBacklinkDids', params),
    count: hrefOf('/xrpc/blue.microcosm.links.getBacklinksCount', params),
    accounts: hrefOf('/links/count/distinct-dids', {
      target,
      collection: source.collection,
      path: source.path,
    }),
  }
}

export function sourcesHref(target: string): string {
  return hrefOf(sourcesPath, { target })
}

export function accountHref(did: string): string {
  return hrefOf('/links/account', { did })
}

/** What the record links to that a target names; undefined where it names none by its DID. */
export function forwardHref(target: string): string | undefined {
  const { authority = '', collection, rkey } = atUriParts(target) ?? {}
  const isRecord = isDid(authority) && target === `at://${authority}/${collection}/${rkey}`
  return isRecord && tryParsePath(`${collection}/${rkey}`)
    ? hrefOf('/links/forward', { uri: target })
    : undefined
}

/** A target, leading to all that links to it, and out to what it names where that is safe. */
export function targetHtml(target: string): Html {
  const out = outsideOf(target)
  return html`<a href="${sourcesHref(target)}"><code>${breakable(target)}</code></a
    >${out === undefined ? '' : html` <a href="${out}" rel="nofollow noreferrer" title="open ${out}">↗</a>`}`
}

/** A source, without a link. */
export function sourceHtml({ collection, path }: Source): Html {
  return html`<code>${breakable(formatSource(collection, path))}</code>`
}

/** An account, leading to what of it is linked to, and out to its repository. */
export function didHtml(did: string): Html {
  return html`<a href="${accountHref(did)}"><code>${did}</code></a>
    <a href="${browser}${segment(did)}" rel="noreferrer" title="open the repository">↗</a>`
}

/** A record key, leading to what the record links to, and out to the record. */
export function recordHtml({ did, collection, rkey }: RecordKey): Html {
  const uri = `at://${did}/${collection}/${rkey}`
  const out = `${browser}${[did, collection, rkey].map(segment).join('/')}`
  return html`<a href="${hrefOf('/links/forward', { uri })}"><code>${rkey}</code></a>
    <a href="${out}" rel="noreferrer" title="open the record">↗</a>`
}

/** Where a target can be looked at: only at-uris, DIDs and the web's own addresses lead anywhere. */
function outsideOf(target: string): string | undefined {
  if (target.startsWith('at://')) {
    return `${browser}${target.slice('at://'.length).split('/').map(segment).join('/')}`
  }
  if (isDid(target)) return `${browser}${segment(target)}`
  return isWebAddress(target) ? target : undefined
}

function segment(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':')
}
