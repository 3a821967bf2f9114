import type { Html, QueryParams } from '@orrery/server'
import type { FindTarget, ResolveHandle } from '../params/subject.ts'
import type { LinkReader } from '../store.ts'

/** What an endpoint works with. */
export interface EndpointContext {
  reader: LinkReader
  findTarget: FindTarget
  /** The same without asking for handles: of these there may be a thousand in one request. */
  findOther: FindTarget
  resolveHandle: ResolveHandle | undefined
}

/** A parameter, as the home page, the forms, the README and the OpenAPI document tell of it. */
export interface Param {
  name: string
  kind: 'text' | 'number' | 'check' | 'list'
  required?: boolean
  summary: string
  example?: string
}

/** What an endpoint found: its JSON, and the same for eyes. */
export interface Found {
  body: object & { cursor?: string | null }
  view: () => Html
}

/** A GET route that answers JSON or a page. */
export interface Endpoint {
  path: string
  /** What it is for, as a heading. */
  title: string
  summary: string
  /** `older` ones stay, and have newer ones to use instead. */
  group: 'xrpc' | 'more' | 'older'
  /** How a 400 looks: `{error,message}`, or a line of text as the first server has it on its older routes. */
  errors: 'json' | 'text'
  params: readonly Param[]
  /** What the JSON looks like. */
  returns: string
  /**
   * Reads the parameters, before anything else, and answers them.
   *
   * @throws HttpError 400 that names the parameter
   */
  run: (query: QueryParams, context: EndpointContext) => Promise<Found>
}
