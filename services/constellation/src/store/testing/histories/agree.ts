import * as fc from 'fast-check'
import { expect } from 'vitest'
import { dump } from '../dump.ts'
import { noProgress, startMs } from '../test-index.ts'
import type { OpenStore } from '../tested-store.ts'
import { createChanges } from './changes.ts'
import type { Tally } from './check-against.ts'
import { play } from './play.ts'
import { histories, orderly, world } from './world.ts'

export interface HistoryOptions {
  /** How many histories. */
  runs: number
  /** The most steps in one. Default 40. */
  steps?: number | undefined
  /** For the same histories again, from a failure's message. */
  seed?: number | undefined
  /** Whether a failing history is to be made as short as it can be, which takes its time. */
  shrink?: boolean | undefined
}

/**
 * Plays random histories on two stores, of which the first is right: creates, updates, deletes, accounts that go and come
 * back, replays, restarts and half tidied stores, with walks under way all the time. Answers how much was compared.
 *
 * @throws (rejects) with the history, when the stores differ
 */
export async function historiesAgree(
  spec: OpenStore,
  tested: OpenStore,
  options: HistoryOptions,
): Promise<Tally> {
  const tally: Tally = { pages: 0, items: 0, groups: 0 }
  const property = fc.asyncProperty(histories(options.steps ?? 40), steps =>
    play(steps, [spec, tested], tally),
  )
  await fc.assert(property, parameters(options))
  return tally
}

/**
 * Applies random histories that are in order, and then some end of each again: nothing may change, not even a place. The
 * end begins behind the last deletion of an account, which has no rev to be known by.
 */
export async function replaysChangeNothing(open: OpenStore, options: HistoryOptions): Promise<void> {
  const property = fc.asyncProperty(
    orderly,
    fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    async (parts, ends) => {
      await using store = await open()
      const changes = createChanges()(parts)
      for (const change of changes) await store.writer.apply([change], noProgress, startMs)
      const before = await dump(store.reader, world)
      const first = changes.findLastIndex(({ kind }) => kind === 'delete_account') + 1
      for (const end of ends) {
        const again = changes.slice(first + (end % (changes.length - first + 1)))
        await store.writer.apply(again, noProgress, startMs + 1_000)
        expect(await dump(store.reader, world)).toEqual(before)
      }
    },
  )
  await fc.assert(property, parameters(options))
}

function parameters({ runs, seed, shrink = false }: HistoryOptions): fc.Parameters<unknown> {
  return { numRuns: runs, endOnFailure: !shrink, ...(seed === undefined ? {} : { seed }) }
}
