import type { HttpServer } from '@orrery/server'
import { endpoints } from './all.ts'
import type { Endpoint, Param } from './endpoint.ts'

/** `GET /openapi`: the routes for tools, from the same table as the documentation. */
export function addOpenApi(app: HttpServer, version: string): void {
  const document = JSON.stringify(openApiDocument(version))
  app.get('/openapi', (_request, reply) =>
    reply
      .header('cache-control', 'public, max-age=3600')
      .header('content-type', 'application/json')
      .send(document),
  )
}

/** The OpenAPI 3.1 document. Answers are shown by example; those under `/xrpc/` have their full schema in the lexicons. */
export function openApiDocument(version: string): object {
  const paths: Record<string, object> = {}
  for (const endpoint of endpoints) {
    for (const [i, path] of endpoint.paths.entries()) {
      paths[path] = { [endpoint.method.toLowerCase()]: operationOf(endpoint, i > 0) }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Slingshot', version, description: 'Any record, any identity.' },
    paths,
  }
}

function operationOf(endpoint: Endpoint, isOlder: boolean): object {
  const { method, title, summary, params, errors } = endpoint
  const names = ['InvalidRequest', ...errors].join(', ')
  return {
    summary: title,
    description: summary,
    deprecated: isOlder,
    ...(method === 'GET' ? { parameters: params.map(parameterOf) } : { requestBody: bodyOf(params) }),
    responses: {
      200: { description: 'The answer.', content: contentOf(endpoint) },
      400: { description: `One of ${names}.`, content: errorContent },
      429: { description: 'Too many requests; `Retry-After` says when to come back.', content: errorContent },
      502: { description: 'Another server failed.', content: errorContent },
      503: { description: 'Not now; `Retry-After` says when.', content: errorContent },
      504: { description: 'Another server was too slow.', content: errorContent },
    },
  }
}

function contentOf({ contentType, returns }: Endpoint): object {
  if (contentType !== undefined) return { [contentType]: { schema: { type: 'string', format: 'binary' } } }
  return { 'application/json': { schema: { type: 'object' }, example: JSON.parse(returns) as unknown } }
}

function parameterOf({ name, required = false, summary, example }: Param): object {
  return {
    name,
    in: 'query',
    required,
    description: summary,
    schema: { type: 'string' },
    ...(example && { example }),
  }
}

function bodyOf(params: readonly Param[]): object {
  const properties = Object.fromEntries(params.map(({ name, summary }) => [name, { description: summary }]))
  const required = params.filter(param => param.required).map(({ name }) => name)
  return {
    required: true,
    content: { 'application/json': { schema: { type: 'object', required, properties } } },
  }
}

const errorContent = {
  'application/json': {
    schema: {
      type: 'object',
      required: ['error', 'message'],
      properties: { error: { type: 'string' }, message: { type: 'string' } },
    },
  },
}
