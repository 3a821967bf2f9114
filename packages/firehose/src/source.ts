/** Where events come from. */
export interface Source {
  kind: 'relay' | 'jetstream'
  /** The address to connect to, without cursor. */
  url: URL
  /** The address without its query: under this name its cursor is kept. */
  key: string
  /** The host, for logs and labels. */
  name: string
}

/** Two relays of Bluesky and an independent one: losing a company or a coast loses nothing. */
export const defaultSources: readonly string[] = [
  'wss://relay1.us-east.bsky.network',
  'wss://relay1.us-west.bsky.network',
  'wss://relay.fire.hose.cam',
]

const subscribeRepos = '/xrpc/com.atproto.sync.subscribeRepos'

/**
 * Reads a `--source`: `wss://host` or `…/xrpc/com.atproto.sync.subscribeRepos` is a relay (or a PDS), `…/subscribe` a
 * Jetstream. `http(s)` stands for `ws(s)`.
 *
 * @throws TypeError saying what is wrong and what is expected
 */
export function parseSource(text: string): Source {
  const url = URL.parse(text.includes('://') ? text : `wss://${text}`)
  if (!url) throw new TypeError(`"${text}" is not an address; expected wss://host or wss://host/subscribe`)
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new TypeError(`"${text}" has the scheme ${url.protocol}; expected wss: (or ws: for a local one)`)
  }
  url.hash = ''
  const path = url.pathname.replace(/\/+$/, '')
  if (path === '' || path === subscribeRepos) url.pathname = subscribeRepos
  else if (path.endsWith('/subscribe')) url.pathname = path
  else
    throw new TypeError(
      `"${text}" ends neither in ${subscribeRepos} (a relay) nor in /subscribe (a Jetstream)`,
    )
  const kind = url.pathname === subscribeRepos ? 'relay' : 'jetstream'
  return { kind, url, key: `${url.protocol}//${url.host}${url.pathname}`, name: url.host }
}

/**
 * Reads all sources; they must be of one kind, since a cursor of the one says nothing to the other.
 *
 * @throws TypeError
 */
export function parseSources(texts: readonly string[]): Source[] {
  const sources = texts.map(parseSource)
  if (new Set(sources.map(source => source.kind)).size > 1) {
    throw new TypeError('the sources are of two kinds; give either relays or Jetstreams')
  }
  const double = sources.find((source, i) => sources.findIndex(other => other.key === source.key) !== i)
  if (double) throw new TypeError(`the source ${double.key} is given twice`)
  return sources
}
