import { setTimeout as sleep } from 'node:timers/promises'
import type { Network } from '../network.ts'
import { BoundedQueue } from '../queue.ts'
import { ACTIVITY_KINDS, type ActivityKind, type ActivityMix, DEFAULT_MIX } from './kinds.ts'
import { type Outcome, perform } from './perform.ts'
import { type Plan, planNext } from './plan.ts'
import { createRandom } from './random.ts'
import { createState } from './state.ts'

export interface ActivityOptions {
  /** The rate to keep, as far as the PDS can: actions come one after the other. Default 10. */
  readonly perSecond?: number
  /** Determines what is done, in which order and by which of the accounts. Default 1. */
  readonly seed?: number
  /** Stops it, after the action that is under way. */
  readonly signal?: AbortSignal
  /** Stops it after this many actions. Default: none. */
  readonly maxActions?: number
  /** Weights that replace those of {@link DEFAULT_MIX}. */
  readonly mix?: Partial<ActivityMix>
  /** So many entries of {@link Activity.log} wait to be read; older ones are dropped. Default 10,000. */
  readonly maxLog?: number
}

/** One action, done or refused. */
export interface ActivityEntry extends Partial<Outcome> {
  /** Counts from 1. */
  readonly number: number
  readonly kind: ActivityKind
  /** Why it was refused, as the PDS said it. Absent when it was done. */
  readonly error?: string
}

export interface ActivityCounts {
  /** Actions that were done, of each kind. */
  readonly done: Readonly<Record<ActivityKind, number>>
  /** Actions that the PDS refused or could not be reached for. */
  readonly failed: number
  /** Entries of the log that nobody read in time. */
  readonly logDropped: number
}

export interface Activity extends AsyncDisposable {
  /** What was done, in order, for one reader; ends when the activity does. */
  readonly log: AsyncIterable<ActivityEntry>
  /** Resolves when it has stopped; rejects on an error that is not the PDS's. */
  readonly done: Promise<ActivityCounts>
  counts(): ActivityCounts
}

/**
 * Keeps the accounts of a network busy: likes above all, posts, reposts, follows, and now and then an update, a delete, a
 * new handle, a deactivation, or an account that comes and goes. Refusals and outages of the PDS are counted, and the
 * activity goes on. Memory is bounded. Disposing stops it and waits for the action under way.
 *
 * The same seed on a fresh network with as many accounts gives the same kinds in the same order, as long as no action
 * fails.
 *
 * @throws RangeError when the network has no accounts or `perSecond` is not above 0.
 */
export function startActivity(
  network: Pick<Network, 'pds' | 'accounts'>,
  options: ActivityOptions = {},
): Activity {
  const { perSecond = 10, seed = 1, maxActions = Number.POSITIVE_INFINITY } = options
  if (!(perSecond > 0)) throw new RangeError(`perSecond must be above 0; perSecond=${perSecond}`)
  if (network.accounts.length === 0) throw new RangeError('an activity needs an account')

  const stopper = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stopper.signal]) : stopper.signal
  const mix = { ...DEFAULT_MIX, ...options.mix }
  const random = createRandom(seed)
  const state = createState(network.accounts)
  const log = new BoundedQueue<ActivityEntry>(options.maxLog ?? 10_000)
  const done = Object.fromEntries(ACTIVITY_KINDS.map(kind => [kind, 0])) as Record<ActivityKind, number>
  let failed = 0

  async function act(number: number, plan: Plan): Promise<void> {
    const { kind } = plan
    try {
      const outcome = await perform(plan, state, network)
      done[kind]++
      log.push({ number, kind, ...outcome })
    } catch (error) {
      const refusal = await refusalOf(error)
      failed++
      log.push({
        number,
        kind,
        ...(plan.kind !== 'signup' && { did: plan.actor.account.did }),
        error: refusal,
      })
    }
  }

  async function run(): Promise<ActivityCounts> {
    try {
      let due = performance.now()
      for (let number = 1; number <= maxActions && !signal.aborted; number++) {
        await act(number, planNext(random, mix, state))
        // What a slow PDS missed is not made up for in a burst.
        due = Math.max(due + 1_000 / perSecond, performance.now() - 1_000)
        await pause(due - performance.now(), signal)
      }
      return counts()
    } finally {
      log.close()
    }
  }

  function counts(): ActivityCounts {
    return { done: { ...done }, failed, logDropped: log.dropped }
  }

  const finished = run()
  return {
    log,
    done: finished,
    counts,
    async [Symbol.asyncDispose]() {
      stopper.abort()
      await finished
    },
  }
}

/** The name of a PDS's refusal, or of the failure to reach it. Anything else is our mistake, and thrown on. */
async function refusalOf(error: unknown): Promise<string> {
  const { XRPCError } = await import('@atproto/api')
  if (error instanceof XRPCError) return error.error
  throw error
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return
  // An abort ends the wait early, which is all that it should do.
  await sleep(ms, undefined, { signal }).catch(() => {})
}
