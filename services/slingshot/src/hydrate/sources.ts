import { isValidDid, isValidHandle } from '@atproto/syntax'

/** Where in an answer something to hydrate stands, and in what form. */
export interface HydrationSource {
  /** Keys with dots between; one that ends in `[]` goes through a list: `feed[].post`. */
  path: string
  shape: Shape
}

export const shapes = ['at-uri', 'at-uri-parts', 'strong-ref', 'did', 'handle', 'at-identifier'] as const
export type Shape = (typeof shapes)[number]

/** What is to be hydrated: AT-URIs and identifiers, each once, in the order in which they stand. */
export interface Targets {
  uris: Set<string>
  identifiers: Set<string>
}

/** No answer has more of what is worth hydrating; the rest is not looked at. */
const maxFound = 10_000

/** Finds what the sources name in an answer. What is not there, or is not of its shape, is passed over. */
export function findTargets(output: unknown, sources: readonly HydrationSource[]): Targets {
  const targets: Targets = { uris: new Set(), identifiers: new Set() }
  for (const { path, shape } of sources) {
    for (const value of valuesAt(output, path.split('.'))) {
      const uri = uriOf(value, shape)
      const identifier = identifierOf(value, shape)
      if (uri !== undefined) targets.uris.add(uri)
      else if (identifier !== undefined) targets.identifiers.add(identifier)
    }
  }
  return targets
}

function valuesAt(output: unknown, keys: readonly string[]): unknown[] {
  let values: unknown[] = [output]
  for (const key of keys) {
    const isList = key.endsWith('[]')
    const name = isList ? key.slice(0, -2) : key
    values = values.flatMap(value => {
      // A path that begins with `[]` goes through an answer that is a list itself.
      const item = name === '' && isList ? value : member(value, name)
      if (!isList) return item === undefined ? [] : [item]
      return Array.isArray(item) ? (item as unknown[]).slice(0, maxFound) : []
    })
    values.length = Math.min(values.length, maxFound)
  }
  return values
}

function member(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

function uriOf(value: unknown, shape: Shape): string | undefined {
  if (shape === 'at-uri' || shape === 'strong-ref') {
    const text = typeof value === 'string' ? value : shape === 'strong-ref' ? member(value, 'uri') : undefined
    return typeof text === 'string' && text.startsWith('at://') ? text : undefined
  }
  if (shape !== 'at-uri-parts') return undefined
  const parts = [
    member(value, 'did') ?? member(value, 'repo'),
    member(value, 'collection'),
    member(value, 'rkey'),
  ]
  return parts.every(part => typeof part === 'string' && part !== '') ? `at://${parts.join('/')}` : undefined
}

function identifierOf(value: unknown, shape: Shape): string | undefined {
  if (typeof value !== 'string') return undefined
  const isDid = isValidDid(value)
  if (shape === 'did') return isDid ? value : undefined
  if (shape === 'handle') return isValidHandle(value) ? value : undefined
  return shape === 'at-identifier' && (isDid || isValidHandle(value)) ? value : undefined
}
