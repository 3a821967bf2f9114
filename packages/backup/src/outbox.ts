import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { pack } from './chunk.ts'
import type { Destination } from './destination/types.ts'
import type { Limit } from './limit.ts'
import { readFully } from './raw-files.ts'
import { retry } from './retry.ts'

/** Objects on their way at a time. */
const width = 8
/** Chunks that are being compressed at a time. */
const compressing = 4
/** What waits beyond this waits on disk, bytes. */
const memoryBytes = 16 * 1024 * 1024

interface Waiting {
  key: string
  bytes: number
  body: Buffer | undefined
  /** Where the body is on disk, if not in memory. */
  position: number
}

export interface OutboxOptions {
  destination: Destination
  limit: Limit
  /** The file for what waits and has no room in memory. */
  spoolPath: string
  signal?: AbortSignal | undefined
}

/** Compresses objects and takes them to the destination, several at a time, trying again where that may help. */
export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions
  readonly #queue: Waiting[] = []
  readonly #packing = new Set<Promise<void>>()
  readonly #sending = new Set<Promise<void>>()
  #inMemory = 0
  #spool: number | undefined
  #spoolEnd = 0
  #failure: { error: unknown } | undefined
  /** Resolves with the next object that has got there, or failed to. */
  #moved = Promise.withResolvers<void>()
  /** Bytes that are compressed and not there yet. */
  pendingBytes = 0
  /** Objects and bytes that are there. */
  readonly sent = { objects: 0, bytes: 0 }

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /**
   * Takes an object, which must not change any more. Waits for the compressor, and with `waits` also for the destination;
   * without, what it cannot take fast enough gathers on disk.
   *
   * @throws what an earlier object failed with
   */
  async add(key: string, plain: Buffer, waits: boolean): Promise<void> {
    while (!this.#failure && this.#packing.size >= compressing) await Promise.race(this.#packing)
    const enough = waits ? memoryBytes / 2 : Infinity
    while (!this.#failure && this.pendingBytes > enough) await this.#moved.promise
    this.#throwFailure()
    const packing = this.#pack(key, plain)
      .catch(error => {
        this.#failure ??= { error }
        this.#move()
      })
      .finally(() => this.#packing.delete(packing))
    this.#packing.add(packing)
  }

  /** Resolves when everything is at the destination. @throws what failed */
  async drained(): Promise<void> {
    while (!this.#failure && this.#packing.size + this.#sending.size > 0) {
      await Promise.race([...this.#packing, ...this.#sending])
    }
    this.#throwFailure()
    await this.#options.destination.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= { error: new Error('the snapshot was given up') }
    await Promise.all([...this.#packing, ...this.#sending])
    if (this.#spool === undefined) return
    closeSync(this.#spool)
    rmSync(this.#options.spoolPath, { force: true })
  }

  async #pack(key: string, plain: Buffer): Promise<void> {
    const body = await pack(plain)
    const waiting: Waiting = { key, bytes: body.length, body, position: 0 }
    this.pendingBytes += body.length
    if (this.#inMemory + body.length > memoryBytes) this.#toDisk(waiting, body)
    else this.#inMemory += body.length
    this.#queue.push(waiting)
    if (this.#sending.size >= width) return
    const sending = this.#send().finally(() => this.#sending.delete(sending))
    this.#sending.add(sending)
  }

  async #send(): Promise<void> {
    const { destination, limit, signal } = this.#options
    try {
      for (let next = this.#queue.shift(); next && !this.#failure; next = this.#queue.shift()) {
        const { key, bytes } = next
        const body = next.body ?? this.#fromDisk(next)
        await limit(bytes)
        signal?.throwIfAborted()
        await retry(() => destination.put(key, body), signal)
        if (next.body) this.#inMemory -= bytes
        this.pendingBytes -= bytes
        this.sent.objects++
        this.sent.bytes += bytes
        this.#move()
      }
    } catch (error) {
      this.#failure ??= { error }
      this.#move()
    }
  }

  #move(): void {
    this.#moved.resolve()
    this.#moved = Promise.withResolvers()
  }

  #toDisk(waiting: Waiting, body: Buffer): void {
    const { spoolPath } = this.#options
    if (this.#spool === undefined) {
      mkdirSync(dirname(spoolPath), { recursive: true })
      this.#spool = openSync(spoolPath, 'w+', 0o600)
    }
    if (this.#queue.every(({ body: inMemory }) => inMemory)) this.#spoolEnd = 0
    waiting.position = this.#spoolEnd
    waiting.body = undefined
    writeSync(this.#spool, body, 0, body.length, this.#spoolEnd)
    this.#spoolEnd += body.length
  }

  #fromDisk({ bytes, position }: Waiting): Buffer {
    const body = Buffer.allocUnsafe(bytes)
    readFully(this.#spool!, body, position)
    return body
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }
}
