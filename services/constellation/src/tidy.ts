import type { Logger } from '@orrery/server'
import { pause } from '@orrery/firehose'
import { untilRoom } from '@orrery/storage'
import type { LinkWriter } from './store.ts'

/** Between two steps, so that ingest gets its turns, milliseconds. */
const stepPauseMs = 20

/** Does what is left of deleted accounts, beside everything else. */
export interface Tidier {
  /** Begins, or goes on for longer where it is at it. */
  begin(): void
  /** Resolves when it is at rest; after the signal that is soon. */
  readonly atRest: Promise<void>
}

/** Makes one. `fail` is told what the store throws, but for a full disk, which is waited for. */
export function createTidier(options: {
  writer: LinkWriter
  logger: Logger
  signal: AbortSignal
  fail: (error: unknown) => void
}): Tidier {
  const { writer, logger, signal, fail } = options
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    const left = { isMore: true }
    const step = async (): Promise<void> => {
      left.isMore = await writer.tidy()
    }
    const whenFull = { logger, signal, stopped: 'tidying up has stopped' }
    while (left.isMore && !signal.aborted && (await untilRoom(step, whenFull)))
      await pause(stepPauseMs, signal)
  }

  return {
    begin() {
      running ??= run()
        .catch(fail)
        .finally(() => (running = undefined))
    },
    get atRest() {
      return running ?? Promise.resolve()
    },
  }
}
