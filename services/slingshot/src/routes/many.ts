import { HttpError } from '@orrery/server'
import { type CachedRecord, expectRecord } from '../cache/cache.ts'
import { readAtUri } from '../params/at-uri.ts'
import type { RouteContext } from './context.ts'
import { findKey } from './records.ts'

/** What came of one of many; `late` where the time was up before. */
export type Outcome<T> = { kind: 'found'; value: T } | { kind: 'failed'; error: HttpError } | { kind: 'late' }

/** How many of one request are asked for at a time. */
const concurrency = 16

/**
 * Does the same for each of many items, some at a time, for no longer than until `deadline` (of `performance.now()`).
 * What is not done then goes on, and is there for whoever asks next.
 */
export async function forEachUntil<In, Out>(
  items: readonly In[],
  deadline: number,
  work: (item: In) => Promise<Out>,
): Promise<Outcome<Out>[]> {
  const outcomes: Outcome<Out>[] = items.map(() => ({ kind: 'late' }))
  let next = 0
  /** Turns 0 when the time is up. */
  let end = items.length
  async function workOff(): Promise<void> {
    for (let i = next++; i < end; i = next++) {
      const outcome = await settle(work(items[i]!))
      if (end > 0) outcomes[i] = outcome
    }
  }
  const workers = Array.from({ length: Math.min(concurrency, items.length) }, workOff)
  const { promise: timeUp, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
  await Promise.race([Promise.all(workers), timeUp])
  clearTimeout(timer)
  end = 0
  return outcomes
}

async function settle<T>(work: Promise<T>): Promise<Outcome<T>> {
  try {
    return { kind: 'found', value: await work }
  } catch (error) {
    if (error instanceof HttpError) return { kind: 'failed', error }
    throw error
  }
}

/** A record by its AT-URI. @throws HttpError */
export async function recordByUri(uri: string, context: RouteContext): Promise<CachedRecord> {
  return expectRecord(await context.cache.get(await findKey(readAtUri(uri), context)))
}

/** Whether an error says that there is nothing, as opposed to that it could not be told. */
export function isMissing({ statusCode, error }: HttpError): boolean {
  return statusCode === 400 && error !== 'InvalidRequest'
}
