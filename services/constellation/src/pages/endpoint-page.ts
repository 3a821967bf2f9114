import { buttonForm, type Field, form, type Html, html, page, QueryParams, rawJson } from '@orrery/server'
import { limits } from '../params/limits.ts'
import type { Endpoint, Found, Param } from '../routes/endpoint.ts'

export const serviceName = 'Constellation'

const nav = [
  { href: '/#xrpc', text: 'XRPC' },
  { href: '/#more', text: 'more' },
  { href: '/#older', text: 'older routes' },
  { href: '/openapi', text: 'OpenAPI' },
]

/** A page with the service's head and foot. */
export function servicePage(title: string, version: string, main: Html): string {
  return page({ title, service: serviceName, version, nav, main })
}

/** The page of an endpoint: what was found, the way to the next page, and the form it came from. */
export function endpointPage(
  endpoint: Endpoint,
  query: QueryParams,
  found: Found,
  json: string,
  version: string,
): string {
  return servicePage(
    endpoint.title,
    version,
    html`<h1>${endpoint.title}</h1>
      <p class="lead">${endpoint.summary}</p>
      ${found.view()} ${found.body.cursor !== undefined && nextPage(endpoint, query, found.body.cursor)}
      ${rawJson(json)}
      <h2>Ask again</h2>
      <div class="card">${tryForm(endpoint, query)}</div>`,
  )
}

/** A form for an endpoint, filled in with the parameters of a query. */
export function tryForm(endpoint: Endpoint, query: QueryParams = new QueryParams({})): Html {
  const fields = endpoint.params
    .filter(({ name }) => name !== 'cursor')
    .map(param => fieldOf(param, query.all(param.name)))
  return form(endpoint.path, fields, 'Ask')
}

function nextPage({ path, params }: Endpoint, query: QueryParams, cursor: string | null): Html {
  if (cursor === null) return buttonForm(path, undefined, 'The end')
  const kept = params
    .filter(({ name }) => name !== 'cursor')
    .flatMap(({ name }) => query.all(name).map(value => [name, value] as const))
    .filter(([, value]) => value !== '')
  return buttonForm(path, [...kept, ['cursor', cursor]], 'Next page')
}

function fieldOf({ name, kind, required, example }: Param, values: readonly string[]): Field {
  const common = {
    name,
    label: name,
    hint: required ? undefined : 'optional',
    placeholder: example,
    required,
    wide: name === 'subject' || name === 'target' || name === 'uri',
  }
  if (kind === 'list') {
    return { ...common, kind, hint: 'optional, several', values: values.filter(value => value.trim() !== '') }
  }
  const [value] = values
  if (kind === 'number') {
    // Filled in, as a form sends an empty field too, and that is no number.
    return {
      ...common,
      kind,
      value: value ?? String(limits.page.fallback),
      min: limits.page.min,
      max: limits.page.max,
    }
  }
  return { ...common, kind, value }
}
