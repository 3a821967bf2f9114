import { hash } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Destination } from './destination/types.ts'
import { BackupError } from './errors.ts'
import { keys } from './keys.ts'
import { retry } from './retry.ts'

// Chunks that no manifest refers to are removed, and a snapshot that is being written relies on chunks before its manifest is
// there. So each says what it does before it looks whether the other does its: one of them always sees the other.

/** A mark that is older was left by a process that is gone, milliseconds. */
const staleMs = 24 * 3_600_000
const refreshMs = 3_600_000
const waitMs = 5_000
const waits = 60

type Doing = 'writing' | 'collecting'

/** Marks of this machine's runs on a data folder; a run finds those of one that crashed as its own. */
export class Marks {
  readonly #destination: Destination
  readonly #service: string
  readonly #own: string

  constructor(destination: Destination, service: string, stateDir: string) {
    this.#destination = destination
    this.#service = service
    this.#own = hash('sha256', `${hostname()}\n${resolve(stateDir)}`, 'hex').slice(0, 24)
  }

  /**
   * Says that a snapshot is being written, when nobody collects.
   *
   * @throws BackupError `busy` when somebody still does after five minutes
   */
  async writing(signal?: AbortSignal): Promise<AsyncDisposable> {
    await this.#remove('collecting')
    for (let i = 0; i < waits; i++) {
      await this.#set('writing')
      if (!(await this.#othersAre('collecting'))) return this.#keep('writing')
      await this.#remove('writing')
      await sleep(waitMs, undefined, { ...(signal && { signal }) })
    }
    throw new BackupError(
      'busy',
      `somebody else removes old snapshots at ${this.#destination.name}; try again`,
    )
  }

  /** Says that chunks are being removed; undefined where somebody else writes a snapshot. */
  async collecting(): Promise<AsyncDisposable | undefined> {
    await this.#set('collecting')
    if (!(await this.#othersAre('writing'))) return this.#keep('collecting')
    await this.#remove('collecting')
    return undefined
  }

  #keep(doing: Doing): AsyncDisposable {
    // One that cannot be renewed now is tried again in an hour; it holds for a day.
    const timer = setInterval(() => void this.#set(doing).catch(() => {}), refreshMs)
    return {
      [Symbol.asyncDispose]: async () => {
        clearInterval(timer)
        // What was done is done, also where the mark stays a day.
        await this.#remove(doing).catch(() => {})
      },
    }
  }

  async #set(doing: Doing): Promise<void> {
    const body = Buffer.from(JSON.stringify({ time: Date.now() }))
    await retry(() => this.#destination.put(keys.marks(this.#service, doing) + this.#own, body))
    await this.#destination.flush()
  }

  async #remove(doing: Doing): Promise<void> {
    await retry(() => this.#destination.remove([keys.marks(this.#service, doing) + this.#own]))
  }

  async #othersAre(doing: Doing): Promise<boolean> {
    const prefix = keys.marks(this.#service, doing)
    for (const { key } of await retry(() => this.#destination.list(prefix))) {
      if (key === prefix + this.#own) continue
      const bytes = await retry(() => this.#destination.get(key, 1024))
      if (bytes && Date.now() - timeIn(bytes) < staleMs) return true
    }
    return false
  }
}

function timeIn(bytes: Buffer): number {
  try {
    return Number((JSON.parse(bytes.toString('utf8')) as { time?: unknown }).time) || 0
  } catch {
    return 0
  }
}
