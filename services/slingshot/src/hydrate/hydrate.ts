import { HttpError } from '@orrery/server'
import type { CachedRecord } from '../cache/cache.ts'
import { toUpstreamError } from '../fetch/upstream-error.ts'
import type { RouteContext } from '../routes/context.ts'
import { forEachUntil, isMissing, type Outcome, recordByUri } from '../routes/many.ts'
import type { Targets } from './sources.ts'

/** What is hydrated in one request; the rest is `pending`, with where to get it. */
export const maxTargets = 200

/** The JSON of `records` and `identifiers`, by what they were named by. */
export async function hydrate(
  { uris, identifiers }: Targets,
  context: RouteContext,
  deadline: number,
): Promise<{ records: string; identifiers: string }> {
  const wanted = [...uris].slice(0, maxTargets)
  const wantedIdentifiers = [...identifiers].slice(0, maxTargets - wanted.length)
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())))
  const [records, found] = await Promise.all([
    forEachUntil(wanted, deadline, uri => recordByUri(uri, context)),
    forEachUntil(wantedIdentifiers, deadline, identifier => miniDoc(identifier, context, signal)),
  ])
  return {
    records: objectOf([...uris], (uri, i) => recordResult(uri, records[i])),
    identifiers: objectOf([...identifiers], (identifier, i) => identifierResult(identifier, found[i])),
  }
}

async function miniDoc(
  identifier: string,
  { directory }: RouteContext,
  signal: AbortSignal,
): Promise<object> {
  try {
    return await directory.miniDoc(identifier, signal)
  } catch (error) {
    throw toUpstreamError(error)
  }
}

/** Written as text: records are JSON already. */
function objectOf(keys: readonly string[], valueOf: (key: string, i: number) => string): string {
  return `{${keys.map((key, i) => `${JSON.stringify(key)}:${valueOf(key, i)}`).join(',')}}`
}

function recordResult(uri: string, outcome: Outcome<CachedRecord> | undefined): string {
  const followUp = `/xrpc/com.bad-example.repo.getUriRecord?at_uri=${encodeURIComponent(uri)}`
  if (outcome?.kind === 'found') return `{"status":"found",${outcome.value.body.slice(1)}`
  return failure(outcome, followUp)
}

function identifierResult(identifier: string, outcome: Outcome<object> | undefined): string {
  const followUp = `/xrpc/com.bad-example.identity.resolveMiniDoc?identifier=${encodeURIComponent(identifier)}`
  if (outcome?.kind === 'found') return JSON.stringify({ status: 'found', ...outcome.value })
  return failure(outcome, followUp)
}

function failure(outcome: Exclude<Outcome<never>, { kind: 'found' }> | undefined, followUp: string): string {
  if (outcome?.kind !== 'failed') return JSON.stringify({ status: 'pending', followUp })
  const { error } = outcome
  const shouldRetry = !(error instanceof HttpError && (isMissing(error) || error.statusCode === 400))
  const reason = `${error.error}: ${error.message}`
  return JSON.stringify({ status: 'error', reason, shouldRetry, ...(shouldRetry && { followUp }) })
}
