import { listNames, lists, type ListName } from '../subscribe/filter.ts'

export interface Parameter {
  name: string
  description: string
  schema: Record<string, unknown>
}

const listTexts: Readonly<Record<ListName, string>> = {
  subjects: 'What is linked to: AT-URIs, DIDs or other URIs, in whole.',
  subjectPrefixes: 'What is linked to: how it begins.',
  subjectDids: 'Whose it is that is linked to: links to the DID, and to its records.',
  sources: 'Where links stand: collection:path, with [*] in the path for an array whatever its items are.',
  sourceCollections: 'Where links stand: collections, or all under ns.*',
  authors: 'DIDs of who links.',
  operations:
    'create, delete or both: changes alone. Without it: creates, and again all links of a record that was changed.',
}

const scalars: readonly Parameter[] = [
  {
    name: 'instant',
    description: 'true: links at once. Default false: links that stood for the delay, 21 s.',
    schema: { type: 'boolean', default: false },
  },
  {
    name: 'cursor',
    description: 'Begins with what was first seen then, microseconds since 1970; 0 for all that is kept.',
    schema: { type: 'integer', minimum: 0 },
  },
  {
    name: 'fields',
    description:
      'What is told beside the link, with commas between: time_us, when it was first seen, which is what cursor takes; cid and record of the version that links.',
    schema: { type: 'string', example: 'time_us,cid,record' },
  },
  {
    name: 'requireHello',
    description: 'true: sends nothing before the first options_update.',
    schema: { type: 'boolean', default: false },
  },
  {
    name: 'compress',
    description: 'true: each message is a zstd frame.',
    schema: { type: 'boolean', default: false },
  },
  {
    name: 'heartbeat',
    description: 'Seconds of silence after which a message tells the position to come back to.',
    schema: { type: 'integer', minimum: 1, maximum: 3600 },
  },
]

/** What `/subscribe` takes in its query. */
export const parameters: readonly Parameter[] = [
  ...listNames.map(name => ({
    name: lists[name].param,
    description: `${listTexts[name]} Repeated; at most ${lists[name].max.toLocaleString('en')}.`,
    schema: { type: 'array', items: { type: 'string' }, maxItems: lists[name].max },
  })),
  ...scalars,
]

/** The OpenAPI document. WebSockets have no place in one but the request that asks for them. */
export function openApi(version: string): object {
  const error = {
    description: 'What is wrong, and what to do',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: {
            error: { type: 'string' },
            message: { type: 'string' },
            request_id: { type: 'string' },
          },
        },
      },
    },
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Spacedust', version, description: 'Links as they happen, over WebSocket.' },
    paths: {
      '/subscribe': {
        get: {
          summary: 'A WebSocket with one JSON message for each link',
          parameters: parameters.map(({ name, description, schema }) => ({
            name,
            in: 'query',
            description,
            schema,
          })),
          responses: {
            101: { description: 'A WebSocket' },
            400: error,
            429: error,
            503: error,
          },
        },
      },
    },
  }
}
