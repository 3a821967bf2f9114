import type { VerifyMode } from '../../src/relay/keys.ts'
import type { KeyAnswer } from '../../src/relay/keys.ts'
import { Pipeline, type PipelineOptions } from '../../src/relay/pipeline.ts'
import type { OnVerdict } from '../../src/verify/pool.ts'
import { createVerifier } from '../../src/verify/verifier.ts'
import { AccountBook } from '../../src/accounts.ts'
import type { FirehoseEvent } from '../../src/events.ts'
import { Outbox } from '../../src/outbox.ts'
import { createMemoryProgress, type MemoryProgress } from '../../src/progress/memory.ts'
import { zeroStats } from '../../src/stats.ts'
import { Watermark } from '../../src/watermark.ts'
import { type Author, type Draft, frameOf } from './author.ts'

/** A check that was asked for and has not been answered. */
export interface Job {
  frame: Uint8Array
  key: string | null
  /** Answers as the real verifier does. */
  run(): void
  /** Answers a verdict that no honest verifier would. */
  answer: OnVerdict
}

export interface BenchOptions extends Partial<Omit<PipelineOptions, 'mode' | 'keys' | 'pool'>> {
  mode?: VerifyMode
  authors?: readonly Author[]
  progress?: MemoryProgress
  /** Whether keys are there at once (the default), or when the test says so. */
  slowKeys?: boolean
}

/** A key that is being looked for. */
export interface Search {
  did: string
  answer(answer?: KeyAnswer): void
  fail(error: Error): void
}

/**
 * A pipeline on the bench: the real one, with the real verifier, between a look-up of keys and a pool that answer when
 * the test says so, in the order that it says.
 */
export function createBench(options: BenchOptions = {}) {
  const { mode = 'strict', authors = [], slowKeys = false, progress = createMemoryProgress() } = options
  const verifier = createVerifier()
  const stop = new AbortController()
  const jobs: Job[] = []
  const searches: Search[] = []
  const refreshes: (Search & { answer(answer?: KeyAnswer): void })[] = []
  const failures: unknown[] = []
  const purged: string[] = []
  const stats = zeroStats()
  const book = options.book ?? new AccountBook(progress)
  const outbox = new Outbox({ maxEvents: 10_000, maxBytes: 32 * 1024 * 1024 })
  const watermarks = new Map<string, Watermark>()
  const keyOf = (did: string): KeyAnswer => {
    const author = authors.find(candidate => candidate.did === did)
    return author
      ? { kind: 'key', key: author.key.multikey }
      : { kind: 'refused', reason: 'identity_not_found', detail: '' }
  }

  function search<T>(list: Search[], did: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    list.push({ did, answer: (answer = keyOf(did)) => resolve(answer as T), fail: reject })
    return promise
  }

  const pipeline = new Pipeline({
    purgeIdentity: did => purged.push(did),
    outbox,
    stats,
    signal: stop.signal,
    merging: false,
    onFailure: error => failures.push(error),
    ...options,
    mode,
    book,
    keys:
      mode === 'off'
        ? undefined
        : {
            cached: did => (slowKeys ? undefined : keyOf(did)),
            find: did => search(searches, did),
            refresh: did => search(refreshes, did),
          },
    pool: {
      submit(frame, key, onVerdict) {
        jobs.push({
          frame,
          key,
          answer: onVerdict,
          run() {
            const bytes = new Uint8Array(frame)
            const checks = mode === 'off' ? 'none' : 'full'
            const request = {
              bytes,
              ends: [bytes.length],
              keys: [key],
              checks,
              nowUs: Date.now() * 1000,
            } as const
            const { verdicts, json } = verifier.verify({
              ...request,
              ends: [...request.ends],
              keys: [...request.keys],
            })
            onVerdict(verdicts[0]!, json)
          },
        })
      },
    },
  })

  const watermarkOf = (source: string): Watermark => {
    const known = watermarks.get(source) ?? new Watermark()
    watermarks.set(source, known)
    return known
  }

  const bench = {
    pipeline,
    stats,
    book,
    outbox,
    progress,
    jobs,
    searches,
    refreshes,
    failures,
    purged,
    stop: () => stop.abort(),
    watermark: (source = 'a') => watermarkOf(source),
    /** Hands a draft to the pipeline under a number, or bytes as they are. */
    accept(what: Draft | Uint8Array, seq = 1, source = 'a') {
      const bytes = what instanceof Uint8Array ? what : frameOf(what, seq)
      return pipeline.accept(source, bytes, watermarkOf(source))
    },
    /** Answers all checks that are asked for, and those that come of it. */
    runAll(): void {
      while (jobs.length > 0) jobs.shift()!.run()
    },
    take(): FirehoseEvent[] {
      return outbox.take()
    },
    /** What the firehose does between two batches. */
    takeBatch() {
      const events = outbox.take()
      const cursors = [...watermarks].flatMap(([source, watermark]) => {
        const mark = watermark.advance()
        return mark ? [{ source, cursor: mark.cursor, time: mark.time, seen: [] }] : []
      })
      return { events, progress: { cursors, gaps: [], ...book.takeChanges() } }
    },
    dropped: () => Object.fromEntries(Object.entries(stats.dropped).filter(([, count]) => count > 0)),
  }
  return bench
}

/** Lets promises settle. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
