import { createGuardedFetch, createIdentityResolver, type IdentityResolver } from '@orrery/identity'
import type { FakeRelay } from '@orrery/testnet'
import { waitFor } from '@orrery/testnet'
import {
  type Batch,
  createMemoryProgress,
  type DropReason,
  type Firehose,
  type FirehoseEvent,
  type FirehoseOptions,
  type FirehoseStats,
  type Gap,
  type MemoryProgress,
  openFirehose,
  parseSources,
  type ProgressStore,
} from '../../src/index.ts'
import { type Draft, frameOf } from './author.ts'
import { keepCompiled } from './compile-cache.ts'

keepCompiled()

export interface Run extends AsyncDisposable {
  readonly firehose: Firehose
  readonly progress: MemoryProgress
  readonly batches: readonly Batch[]
  readonly events: readonly FirehoseEvent[]
  readonly gaps: readonly Gap[]
  readonly notices: readonly string[]
  readonly drops: readonly { reason: DropReason; did: string; detail: string }[]
  /** Settles when the iteration has ended, with what it threw. */
  readonly ended: Promise<void>
  /** Waits until the condition holds. */
  until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>
  /** How often anything was dropped for a reason, zeros left out. */
  dropped(): Partial<Record<DropReason, number>>
  /** Ends the iteration by the signal and waits for its end. */
  stop(): Promise<void>
}

export type RunOptions = Omit<Partial<FirehoseOptions>, 'sources' | 'progress'> & {
  sources: readonly string[]
  progress?: MemoryProgress
  /** Awaited before the next batch is asked for. */
  onBatch?: (batch: Batch) => void | Promise<void>
}

/** Follows a firehose in the background, as a consumer that saves its progress with each batch does. */
export async function run(options: RunOptions): Promise<Run> {
  const progress = options.progress ?? createMemoryProgress()
  const stop = new AbortController()
  const batches: Batch[] = []
  const events: FirehoseEvent[] = []
  const notices: string[] = []
  const drops: { reason: DropReason; did: string; detail: string }[] = []
  const firehose = await openFirehose({
    threads: 1,
    backoff: { firstMs: 20, maxMs: 100 },
    ...options,
    sources: parseSources(options.sources),
    progress: progress satisfies ProgressStore,
    signal: options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal,
    onNotice: notice => notices.push(`${notice.level} ${notice.message}`),
    onDrop: (reason, did, detail) => drops.push({ reason, did, detail }),
  })
  async function consume(): Promise<void> {
    for await (const batch of firehose) {
      batches.push(batch)
      events.push(...batch.events)
      await options.onBatch?.(batch)
      progress.save(batch.progress)
    }
  }
  const ended = consume()
  // Who waits for the end sees it; who waits for something else must not be killed by it.
  ended.catch(() => {})
  const { stats } = firehose
  return {
    firehose,
    progress,
    batches,
    events,
    notices,
    drops,
    get gaps() {
      return progress.gaps()
    },
    ended,
    async until(what, condition, timeoutMs = 10_000) {
      let failure: { error: unknown } | undefined
      ended.catch((error: unknown) => (failure = { error }))
      await waitFor(
        () => {
          if (failure) throw failure.error
          return condition()
        },
        { what, timeoutMs },
      )
    },
    dropped: () =>
      Object.fromEntries(Object.entries(stats.dropped).filter(([, count]) => count > 0)) as Partial<
        Record<DropReason, number>
      >,
    async stop() {
      stop.abort()
      await ended
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended.catch(() => {})
      await firehose[Symbol.asyncDispose]()
    },
  }
}

/** How many frames have come to an end: given out, dropped, or passed over. */
export function endsOf({ events, dropped, unknownMessages }: FirehoseStats): number {
  const sum = (counts: Record<string, number>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0)
  return sum(events) + sum(dropped) + unknownMessages
}

/** A relay with numbers of its own for what it is given. */
export class Feed {
  readonly relay: FakeRelay
  seq: number

  constructor(relay: FakeRelay, firstSeq = 1) {
    this.relay = relay
    this.seq = firstSeq - 1
  }

  /** Sends drafts, and answers the number of the last. */
  push(...drafts: readonly Draft[]): number {
    for (const draft of drafts) this.relay.push(frameOf(draft, ++this.seq), this.seq)
    return this.seq
  }
}

/** The real resolver against a PLC at this address. It asks nobody else outside of this machine. */
export function resolverFor(
  plcUrl: string,
  options: Partial<Parameters<typeof createIdentityResolver>[0]> = {},
): IdentityResolver {
  const fetch = createGuardedFetch({ allowPrivateHosts: true })
  const resolver = createIdentityResolver({ plcUrl, fetch, ...options })
  const dispose = resolver[Symbol.asyncDispose].bind(resolver)
  return Object.assign(resolver, {
    async [Symbol.asyncDispose](): Promise<void> {
      await dispose()
      await fetch[Symbol.asyncDispose]()
    },
  })
}

/** An event in a word or two: what it is, of whom, and which. */
export function nameOf(event: FirehoseEvent): string {
  switch (event.kind) {
    case 'commit':
    case 'sync':
      return `${event.kind} ${event.did} ${event.rev}`
    case 'identity':
      return `identity ${event.did} ${event.time}`
    case 'account':
      return `account ${event.did} ${event.time} ${event.active}`
  }
}

/** The name that `nameOf` gives the event of a draft. */
export function nameOfDraft({ type, did, rev, body }: Draft): string {
  switch (type) {
    case '#commit':
    case '#sync':
      return `${type.slice(1)} ${did} ${rev}`
    case '#identity':
      return `identity ${did} ${body.time as string}`
    case '#account':
      return `account ${did} ${body.time as string} ${body.active as boolean}`
  }
}
