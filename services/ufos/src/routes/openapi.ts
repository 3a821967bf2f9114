import type { HttpServer } from '@orrery/server'
import { endpoints } from './all.ts'
import type { Endpoint, Param } from './endpoint.ts'
import { error } from './schemas.ts'

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

/** The OpenAPI 3.1 document, with the whole schema of every answer. */
export function openApiDocument(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'UFOs',
      version,
      description: 'What collections there are, who uses them, and how that changes.',
    },
    paths: Object.fromEntries(endpoints.map(endpoint => [endpoint.path, { get: operationOf(endpoint) }])),
  }
}

function operationOf({ title, summary, params, answer, errors = {} }: Endpoint) {
  const problem = (description: string) => ({
    description,
    content: { 'application/json': { schema: error } },
  })
  return {
    summary: title,
    description: summary,
    parameters: params.map(parameterOf),
    responses: {
      200: { description: 'The answer.', content: { 'application/json': { schema: answer } } },
      400: problem('A parameter is missing or cannot be; the message names it.'),
      ...Object.fromEntries(
        Object.entries(errors).map(([status, description]) => [status, problem(description)]),
      ),
    },
  }
}

function parameterOf({ name, required = false, repeatable, summary, schema, example }: Param) {
  return {
    name,
    in: 'query',
    required,
    description: summary,
    schema: repeatable ? { type: 'array', items: schema } : schema,
    ...(repeatable && { explode: true }),
    ...(example !== undefined && { example: repeatable ? [example] : example }),
  }
}
