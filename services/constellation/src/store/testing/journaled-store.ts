import type { LinkWriter } from '../../store.ts'
import { createMemoryStore } from '../memory.ts'
import type { TestedStore } from './tested-store.ts'

/**
 * A store in memory that outlives its closing: it notes every call, and is built from them anew when it is reopened. It
 * shows that what the suite says of restarts can be kept.
 */
export function createJournaledStore(): TestedStore {
  const journal: Parameters<LinkWriter['apply']>[] = []
  const { writer, reader, progress } = createMemoryStore()
  return {
    reader,
    progress,
    writer: {
      apply: (...call) => {
        journal.push(structuredClone(call))
        return writer.apply(...call)
      },
      tidy: () => writer.tidy(),
      [Symbol.asyncDispose]: async () => {},
    },
    async reopen() {
      const again = createJournaledStore()
      for (const call of journal) await again.writer.apply(...call)
      return again
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
