import type { FastifyTypeProvider } from 'fastify'
import { z } from 'zod'

import { HttpError } from './errors.ts'

/** Makes a route's `schema` of zod the type of `request.query`, `params`, `body` and `headers`. */
export interface ZodTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown
}

const parts: Record<string, string> = {
  querystring: 'query parameter',
  params: 'path parameter',
  headers: 'header',
  body: 'body',
}

/**
 * How Fastify checks a request: a zod schema for each part of it. What does not fit is a 400 `InvalidRequest` that names every parameter that
 * is wrong.
 */
export function validatorCompiler({ schema, httpPart }: { schema: unknown; httpPart?: string }) {
  if (!(schema instanceof z.ZodType)) throw new TypeError('a route was given a schema that is not of zod')
  return (data: unknown): { value: unknown } | { error: HttpError } => {
    const result = schema.safeParse(data)
    if (result.success) return { value: result.data }
    const what = parts[httpPart ?? ''] ?? 'request'
    const message = result.error.issues.map(issue => describe(what, issue)).join('; ')
    return { error: new HttpError(400, 'InvalidRequest', message) }
  }
}

/** Responses are ours: they are typed where they are made, and not checked again for every request. */
export function serializerCompiler(): (data: unknown) => string {
  return data => JSON.stringify(data)
}

function describe(what: string, issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.')
  const names = issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : path
  return names === '' ? `Invalid ${what}: ${issue.message}` : `Invalid ${what} "${names}": ${issue.message}`
}
