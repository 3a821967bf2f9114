import { limits } from '../params/limits.ts'
import type { Param } from './endpoint.ts'

// What the endpoints say of parameters that several of them have.

const anUri = 'at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l'

export const subjectParam: Param = {
  name: 'subject',
  kind: 'text',
  required: true,
  summary:
    'What is linked to: an at-uri, a DID or any other URI. Looked up as written, and if nothing ever linked to that, in its normalised form.',
  example: anUri,
}

export const sourceParam: Param = {
  name: 'source',
  kind: 'text',
  required: true,
  summary:
    'Where the links stand: a collection, a colon, and the path in its records without the leading dot.',
  example: 'app.bsky.feed.like:subject.uri',
}

export const targetParam: Param = { ...subjectParam, name: 'target' }

export const collectionParam: Param = {
  name: 'collection',
  kind: 'text',
  required: true,
  summary: 'The collection of the linking records.',
  example: 'app.bsky.feed.like',
}

export const pathParam: Param = {
  name: 'path',
  kind: 'text',
  required: true,
  summary: 'The path of the link in them, with its leading dot.',
  example: '.subject.uri',
}

export const pathToOtherParam: Param = {
  name: 'pathToOther',
  kind: 'text',
  required: true,
  summary: 'The path, in the same records, of the links to the other side; without the leading dot.',
  example: 'list',
}

export function didsParam(name: string): Param {
  return {
    name,
    kind: 'list',
    summary: `Links of these accounts only. Repeat it for several, up to ${limits.dids}. Unknown and hidden accounts count as nothing.`,
    example: 'did:plc:z72i7hdynmk6r22z27h6tvur',
  }
}

export const otherSubjectParam: Param = {
  name: 'otherSubject',
  kind: 'list',
  summary: `These other sides only. Repeat it for several, up to ${limits.otherSubjects}.`,
}

export const limitParam: Param = {
  name: 'limit',
  kind: 'number',
  summary: `How many at most on a page, ${limits.page.min} to ${limits.page.max}; ${limits.page.fallback} if not given.`,
}

export const reverseParam: Param = {
  name: 'reverse',
  kind: 'check',
  summary: 'Oldest first instead of newest first.',
}

export const sinceParam: Param = {
  name: 'since',
  kind: 'text',
  summary:
    'Links that were taken in at this time or later: RFC 3339, milliseconds since 1970, or the time of a TID. The total is not narrowed by it.',
  example: '2026-01-31T12:00:00Z',
}

export const untilParam: Param = {
  name: 'until',
  kind: 'text',
  summary: 'Links that were taken in before this time.',
}

export const cursorParam: Param = {
  name: 'cursor',
  kind: 'text',
  summary: 'Goes on behind the page that gave it. All other parameters but the limit must stay as they were.',
}
