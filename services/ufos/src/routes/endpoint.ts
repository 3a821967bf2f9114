import type { Lexicons } from '../lexicon/lexicons.ts'
import type { Query } from '../params/query.ts'
import type { UfosReader } from '../store.ts'

/** A JSON schema, as OpenAPI 3.1 has it. */
export type Schema = Readonly<Record<string, unknown>>

/** What an endpoint works with. */
export interface EndpointContext {
  reader: UfosReader
  lexicons: Lexicons
  /** Milliseconds since 1970. */
  now: () => number
  /** Where events come from, as the operator said it. */
  source: string
  maxCollections: number
}

/** A parameter, as the home page, the README and the OpenAPI document tell of it. */
export interface Param {
  name: string
  required?: boolean
  /** Given several times, for several values. */
  repeatable?: boolean
  summary: string
  /** Of one value. */
  schema: Schema
  example?: string
}

/** An answer: its JSON, and headers besides those of every answer. */
export interface Answer {
  json: string
  headers?: Readonly<Record<string, string>>
}

export function answer(body: unknown): Answer {
  return { json: JSON.stringify(body) }
}

/** A GET route that answers JSON. */
export interface Endpoint {
  path: string
  title: string
  summary: string
  params: readonly Param[]
  /** Of the body. */
  answer: Schema
  /** Statuses beyond 400, and what they mean. */
  errors?: Readonly<Record<number, string>>
  /** @throws HttpError */
  run: (query: Query, context: EndpointContext) => Promise<Answer>
}
