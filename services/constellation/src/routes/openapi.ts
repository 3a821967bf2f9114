import type { HttpServer } from '@orrery/server'
import { limits } from '../params/limits.ts'
import { endpoints } from './all.ts'
import { batchPath } from './batch.ts'
import type { Endpoint, Param } from './endpoint.ts'

/** `GET /openapi`: the endpoints for tools, from the same table as the documentation. */
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
  const paths = Object.fromEntries(endpoints.map(endpoint => [endpoint.path, { get: operationOf(endpoint) }]))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Constellation',
      version,
      description: 'Who links to this? An index of every link in every record.',
    },
    paths: { ...paths, [batchPath]: { post: batchOperation } },
  }
}

function operationOf({ title, summary, group, errors, params, returns }: Endpoint): object {
  const example: unknown = JSON.parse(returns)
  return {
    summary: title,
    description: summary,
    deprecated: group === 'older',
    parameters: params.map(param => ({
      name: param.name,
      in: 'query',
      required: param.required ?? false,
      description: param.summary,
      schema: schemaOf(param),
      ...(param.kind === 'list' && { explode: true }),
    })),
    responses: {
      200: {
        description: 'As JSON, or as a page where the request prefers HTML.',
        content: {
          'application/json': { schema: { type: 'object' }, example },
          'text/html': { schema: { type: 'string' } },
        },
      },
      400: {
        description: 'A parameter is missing or cannot be; the message names it.',
        content:
          errors === 'json'
            ? { 'application/json': { schema: errorSchema } }
            : { 'text/plain': { schema: { type: 'string' } } },
      },
    },
  }
}

const errorSchema = {
  type: 'object',
  required: ['error', 'message'],
  properties: { error: { type: 'string' }, message: { type: 'string' } },
}

const pairSchema = {
  type: 'object',
  required: ['target', 'source'],
  properties: { target: { type: 'string' }, source: { type: 'string' } },
}

const batchOperation = {
  summary: 'Counts of many pairs of target and source, in their order',
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['pairs'],
          properties: { pairs: { type: 'array', maxItems: limits.pairs, items: pairSchema } },
        },
      },
    },
  },
  responses: {
    200: { description: 'The counts.', content: { 'application/json': { schema: { type: 'object' } } } },
    400: {
      description: 'The body is not of this shape; the message names what is wrong.',
      content: { 'application/json': { schema: errorSchema } },
    },
  },
}

function schemaOf({ kind }: Param): object {
  if (kind === 'number') {
    const { min, max, fallback } = limits.page
    return { type: 'integer', minimum: min, maximum: max, default: fallback }
  }
  if (kind === 'check') return { type: 'boolean', default: false }
  return kind === 'list' ? { type: 'array', items: { type: 'string' } } : { type: 'string' }
}
