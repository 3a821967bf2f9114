import { isValidDid, isValidNsid } from '@atproto/syntax'
import { findServiceEndpoint } from '@orrery/identity'
import { HttpError, invalidRequest } from '@orrery/server'
import { badGateway } from '../fetch/upstream-error.ts'
import type { RouteContext } from '../routes/context.ts'

/** A query to another service. */
export interface ProxyQuery {
  xrpc: string
  /** `did:…#service`. */
  atproto_proxy: string
  params: Record<string, unknown>
  authorization?: string | undefined
  atproto_accept_labelers?: string | undefined
}

/** More is not hydrated. */
const maxBytes = 2 * 1024 * 1024

/**
 * Asks another service a query and answers its JSON, and its text.
 *
 * @throws HttpError 400 where the request is wrong or the service says so, 502 and 504 where it fails
 * @throws IdentityError
 */
export async function queryService(
  query: ProxyQuery,
  { directory, proxyFetch }: Pick<RouteContext, 'directory' | 'proxyFetch'>,
  signal: AbortSignal,
): Promise<{ text: string; output: unknown }> {
  const { authorization, atproto_accept_labelers: labelers } = query
  const url = await urlOf(query, directory, signal)
  const headers = {
    accept: 'application/json',
    ...(authorization !== undefined && { authorization }),
    ...(labelers !== undefined && { 'atproto-accept-labelers': labelers }),
  }
  const { status, bytes } = await proxyFetch.get(url, { signal, headers, maxBytes })
  const text = Buffer.from(bytes).toString()
  const output = tryParse(text)
  if (status >= 200 && status < 300 && output !== undefined) return { text, output }
  const { error, message } = (output ?? {}) as { error?: unknown; message?: unknown }
  if (status >= 400 && status < 500 && typeof error === 'string' && /^\w{1,64}$/.test(error)) {
    const said = typeof message === 'string' ? `: ${message.slice(0, 500)}` : ''
    throw new HttpError(status, error, `The service refused the query${said}`)
  }
  throw badGateway(`The service answered with status ${status}, or no JSON`)
}

async function urlOf(
  { xrpc, atproto_proxy: service, params }: ProxyQuery,
  directory: RouteContext['directory'],
  signal: AbortSignal,
): Promise<URL> {
  if (!isValidNsid(xrpc)) throw invalidRequest('xrpc: must be the NSID of a query')
  const at = service.indexOf('#')
  const did = service.slice(0, Math.max(0, at))
  if (!isValidDid(did) || at === service.length - 1) {
    throw invalidRequest(
      'atproto_proxy: must be a DID with the id of a service, such as did:web:example.com#service',
    )
  }
  const { document } = await directory.identity(did, signal)
  const endpoint = findServiceEndpoint(document, { did, id: service.slice(at) })
  if (endpoint === undefined || !URL.canParse(endpoint)) {
    throw new HttpError(400, 'ServiceNotFound', 'atproto_proxy: the DID document names no such service')
  }
  const url = new URL(`/xrpc/${xrpc}`, endpoint)
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') {
        url.searchParams.append(name, String(one))
      } else if (one !== null && one !== undefined)
        throw invalidRequest(`params: "${name}" must be a text or a number`)
    }
  }
  return url
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
