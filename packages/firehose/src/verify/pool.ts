import { startThread, type Thread } from '@orrery/storage'
import type { Checks, Verdict, VerifierApi, VerifyResponse } from './verdict.ts'

/** What is told of a frame: the verdict, and the JSON that its operations point into. */
export type OnVerdict = (verdict: Verdict, json: Uint8Array) => void

interface Slot {
  thread: Thread<VerifierApi>
  /** Batches sent and not answered. */
  batches: number
  /** Whether the batch it has is a frame under suspicion. */
  hasSuspect: boolean
}

interface Job {
  frame: Uint8Array
  key: string | null
  onVerdict: OnVerdict
  /** How often its batch brought a verifier down. */
  crashes: number
}

export interface VerifyPoolOptions {
  checks: Checks
  threads: number
  /** Called when a thread that died cannot be replaced: nothing would be checked any more. */
  onFailure: (error: unknown) => void
  /** Seam: the script of a thread. Default: the verifier. */
  script?: URL | undefined
  /** Seam: the clock, milliseconds since 1970. */
  now?: (() => number) | undefined
}

/**
 * One message to a thread holds at most this many frames and bytes. Cloning a message costs some 20 µs whatever is in
 * it; beyond a few dozen frames that is nothing beside checking them, and waiting for more would only add delay.
 */
const batchFrames = 32
const batchBytes = 1024 * 1024

/**
 * How long frames gather before they go out, unless there is a batch of them, milliseconds. A message there and back is
 * some 0.1 ms of CPU with the waking of the thread; the log commits every few milliseconds anyway.
 */
const gatherMs = 5

/** Batches that a thread has before it, so that it need not wait for the main thread in between. */
const batchesAhead = 2

/**
 * Threads that check frames. Frames go out in batches, as the threads have room; a verdict comes back by callback, in no
 * order. A thread that dies is replaced; the frames it had are tried once more one by one, each alone on its thread, and
 * one that brings a thread down again is refused.
 */
export class VerifyPool implements AsyncDisposable {
  #options: VerifyPoolOptions
  #threads: Slot[] = []
  #queue: Job[] = []
  /** Set while frames gather. */
  #gathering: NodeJS.Timeout | undefined
  #disposed = false

  /** Use `openVerifyPool`. */
  constructor(options: VerifyPoolOptions) {
    this.#options = options
  }

  /** Frames that wait for a thread. */
  get queued(): number {
    return this.#queue.length
  }

  /** Has a frame checked with a key in Multikey form; null leaves the signature unchecked. The frame must not change. */
  submit(frame: Uint8Array, key: string | null, onVerdict: OnVerdict): void {
    this.#queue.push({ frame, key, onVerdict, crashes: 0 })
    const enough = batchFrames * this.#threads.length
    if (this.#queue.length < enough) this.#gathering ??= setTimeout(() => this.#dispatch(), gatherMs)
    // What comes on top of that goes as threads have room again.
    else if (this.#queue.length === enough) this.#dispatch()
  }

  /** @internal Settles when every thread has started or failed to: none is still starting behind a failure. */
  async start(): Promise<void> {
    const { threads } = this.#options
    const started = await Promise.allSettled(Array.from({ length: threads }, () => this.#addThread()))
    for (const each of started) if (each.status === 'rejected') throw each.reason
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    this.#queue = []
    clearTimeout(this.#gathering)
    // A thread that dies in its last moments has ended, which is what is wanted.
    await Promise.allSettled(this.#threads.map(({ thread }) => thread[Symbol.asyncDispose]()))
  }

  async #addThread(): Promise<void> {
    const thread: Thread<VerifierApi> = await startThread<VerifierApi>(
      this.#options.script ?? new URL('./worker.ts', import.meta.url),
      {
        name: 'verifier',
        onFailure: () => {
          this.#threads = this.#threads.filter(slot => slot.thread !== thread)
          if (!this.#disposed) this.#replace()
        },
      },
    )
    if (this.#disposed) await thread[Symbol.asyncDispose]()
    else this.#threads.push({ thread, batches: 0, hasSuspect: false })
  }

  #replace(): void {
    this.#addThread().then(
      () => this.#dispatch(),
      (error: unknown) => {
        if (!this.#disposed) this.#options.onFailure(error)
      },
    )
  }

  #dispatch(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    while (this.#queue.length > 0) {
      const slot = this.#threads
        .toSorted((a, b) => a.batches - b.batches)
        .find(({ hasSuspect }) => !hasSuspect)
      // A frame under suspicion goes alone: what waits behind it on its thread would go down with it.
      const hasSuspect = this.#queue[0]!.crashes > 0
      if (!slot || slot.batches >= (hasSuspect ? 1 : batchesAhead)) return
      slot.hasSuspect = hasSuspect
      this.#send(slot, this.#takeBatch())
    }
  }

  #takeBatch(): Job[] {
    if (this.#queue[0]!.crashes > 0) return this.#queue.splice(0, 1)
    // Shared out evenly while there is little, so that no thread waits while another has all.
    const share = Math.ceil(this.#queue.length / Math.max(1, this.#threads.length))
    let count = 0
    let bytes = 0
    for (const job of this.#queue) {
      if (count === Math.min(batchFrames, share) || job.crashes > 0) break
      bytes += job.frame.length
      if (count > 0 && bytes > batchBytes) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  #send(slot: Slot, jobs: Job[]): void {
    const bytes = new Uint8Array(jobs.reduce((sum, job) => sum + job.frame.length, 0))
    let end = 0
    const ends = jobs.map(job => {
      bytes.set(job.frame, end)
      end += job.frame.length
      return end
    })
    const request = {
      bytes,
      ends,
      keys: jobs.map(job => job.key),
      checks: this.#options.checks,
      nowUs: (this.#options.now ?? Date.now)() * 1000,
    }
    slot.batches++
    slot.thread.callTransferring([bytes.buffer], 'verify', request).then(
      response => {
        slot.batches--
        slot.hasSuspect = false
        if (!this.#disposed) this.#deliver(jobs, response)
        // What still gathers has its timer; what waited for a thread has not.
        if (!this.#gathering) this.#dispatch()
      },
      (error: Error) => {
        slot.batches--
        slot.hasSuspect = false
        if (!this.#disposed) this.#crashed(jobs, error)
      },
    )
  }

  #deliver(jobs: Job[], response: VerifyResponse): void {
    for (const [i, job] of jobs.entries()) job.onVerdict(response.verdicts[i]!, response.json)
  }

  #crashed(jobs: Job[], error: Error): void {
    const retry: Job[] = []
    for (const job of jobs) {
      job.crashes++
      // Its first time it was one of a batch; alone and down again, it is the one.
      if (job.crashes > 1) {
        job.onVerdict(
          { ok: false, reason: 'verifier_crash', detail: error.message.slice(0, 300) },
          new Uint8Array(0),
        )
      } else retry.push(job)
    }
    this.#queue.unshift(...retry)
    this.#dispatch()
  }
}

/** Starts the threads. @throws (rejects) where one cannot be started */
export async function openVerifyPool(options: VerifyPoolOptions): Promise<VerifyPool> {
  const pool = new VerifyPool(options)
  try {
    await pool.start()
  } catch (error) {
    await pool[Symbol.asyncDispose]()
    throw error
  }
  return pool
}
