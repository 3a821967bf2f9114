import type { LinkWriter } from '../../store.ts'
import { ChangeList, changesIn } from '../change-list.ts'
import { createMemoryStore } from '../memory.ts'
import type { TestedStore } from './tested-store.ts'

/**
 * A store in memory that outlives its closing: it notes every call, and is built from them anew when it is reopened. It
 * shows that what the suite says of restarts can be kept.
 */
export function createJournaledStore(): TestedStore {
  type Call = { gather: Parameters<LinkWriter['gather']>[]; apply: Parameters<LinkWriter['apply']> }
  const journal: Call[] = []
  let gathered: Call['gather'] = []
  const { writer, reader, progress } = createMemoryStore()
  return {
    reader,
    progress,
    writer: {
      batch: () => new ChangeList(),
      gather: (changes, timeMs) => {
        const call: Call['gather'][number] = [changesIn(changes), timeMs]
        gathered.push(call)
        return writer.gather(...call)
      },
      apply: (changes, upstream, timeMs) => {
        const call: Call['apply'] = [changesIn(changes), structuredClone(upstream), timeMs]
        journal.push({ gather: gathered, apply: call })
        gathered = []
        return writer.apply(...call)
      },
      tidy: () => writer.tidy(),
      [Symbol.asyncDispose]: async () => {},
    },
    async reopen() {
      const again = createJournaledStore()
      for (const { gather, apply } of journal) {
        for (const call of gather) await again.writer.gather(...call)
        await again.writer.apply(...apply)
      }
      return again
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
