import { tryParseSource } from '@orrery/links'
import { isCollection } from '@orrery/repo'
import { invalidParameter, type QueryParams } from '@orrery/server'
import type { Source } from '../store.ts'
import { limits } from './limits.ts'

/** `source` as XRPC has it: `collection:path`, the path without its leading dot. */
export function readSource(query: QueryParams): Source {
  return parseSource(query.required('source'), 'source')
}

/**
 * A source from its text.
 *
 * @throws HttpError 400 that names the parameter
 */
export function parseSource(text: string, name: string): Source {
  const source = tryParseSource(text)
  if (!source) {
    throw invalidParameter(
      name,
      'must be an NSID, a colon and a path, such as app.bsky.feed.like:subject.uri',
    )
  }
  return checkPath(source, name)
}

/** `collection` and `path` as the older routes have them, the path with its leading dot. It may be empty. */
export function readCollectionAndPath(query: QueryParams): Source {
  const collection = query.required('collection')
  if (!isCollection(collection)) {
    throw invalidParameter('collection', 'must be an NSID, such as app.bsky.feed.like')
  }
  const path = query.optional('path')
  if (path === undefined) throw invalidParameter('path', 'is missing')
  return checkPath({ collection, path }, 'path')
}

/** `pathToOther`, without its leading dot; answered with it. */
export function readPathToOther(query: QueryParams): string {
  const path = query.optional('pathToOther')
  if (path === undefined) throw invalidParameter('pathToOther', 'is missing')
  return checkPath({ collection: '', path: `.${path}` }, 'pathToOther').path
}

function checkPath(source: Source, name: string): Source {
  if (source.path.length > limits.path) {
    throw invalidParameter(name, `has a path of more than ${limits.path} characters`)
  }
  return source
}
