import type { HttpReply, HttpRequest } from '@orrery/server'
import type { RouteContext } from './context.ts'

/** A parameter, as the documentation tells of it. */
export interface Param {
  name: string
  required?: boolean
  summary: string
  example?: string
}

/** A route, with what the page, the README and the OpenAPI document say of it. */
export interface Endpoint {
  method: 'GET' | 'POST'
  /** The first is the one to use, the others are older names of it. */
  paths: readonly [string, ...string[]]
  title: string
  summary: string
  /** Of the query, or of the body of a POST. */
  params: readonly Param[]
  /** What an answer looks like; JSON unless `contentType` says otherwise. */
  returns: string
  contentType?: string
  /** Names of errors beyond `InvalidRequest`. */
  errors: readonly string[]
  /** @throws HttpError */
  run: (request: HttpRequest, reply: HttpReply, context: RouteContext) => unknown
}

export const jsonType = 'application/json; charset=utf-8'
