import { isDid } from '@orrery/links'
import { invalidParameter, type QueryParams } from '@orrery/server'
import { limits } from './limits.ts'

/** A repeated parameter of DIDs, each once; undefined where there is none, which is no filter. */
export function readDids(query: QueryParams, name: string): string[] | undefined {
  const dids = unique(query.list(name), name, limits.dids)
  for (const did of dids) checkDid(did, name)
  return dids.length === 0 ? undefined : dids
}

/**
 * The filter of `/links`: `did`, or the older `from_dids`, which is split at commas and nothing else, so that what is no
 * DID among it matches nothing.
 */
export function readLegacyDids(query: QueryParams): string[] | undefined {
  const dids = readDids(query, 'did')
  const older = query.optional('from_dids')
  if (older === undefined || older === '') return dids
  if (dids) throw invalidParameter('from_dids', 'cannot be combined with "did"; use "did" alone')
  return unique(older.split(','), 'from_dids', limits.dids)
}

/** The DID that the parameter must be. */
export function readDid(query: QueryParams, name: string): string {
  return checkDid(query.required(name), name)
}

/** What is given at most `max` times, each once. */
export function unique(values: readonly string[], name: string, max: number): string[] {
  if (values.length > max)
    throw invalidParameter(name, `is given ${values.length} times; at most ${max} are allowed`)
  return [...new Set(values)]
}

function checkDid(text: string, name: string): string {
  if (!isDid(text))
    throw invalidParameter(
      name,
      `must be a DID, such as did:plc:…, and ${JSON.stringify(text.slice(0, 80))} is none`,
    )
  return text
}
