import { setTimeout as sleep } from 'node:timers/promises'
import { entryAt, type LogBlock } from '../block.ts'
import type { Encoding } from '../subscriber.ts'

/** An encoding that takes its time, and counts how often each entry of each block was encoded. */
export interface FakeEncoding extends Encoding {
  readonly counts: Map<LogBlock, Map<number, number>>
  /** What the next encodings reject with. */
  fail: Error | undefined
}

/** Puts `name:` before each message. `delayMs` by the number of the call; none by default. */
export function fakeEncoding(name: string, delayMs: (call: number) => number = () => 0): FakeEncoding {
  let calls = 0
  const wrap = (message: Buffer): Buffer => Buffer.concat([Buffer.from(`${name}:`), message])
  async function pause(): Promise<void> {
    const ms = delayMs(calls++)
    if (ms > 0) await sleep(ms)
    if (encoding.fail) throw encoding.fail
  }
  const encoding: FakeEncoding = {
    name,
    counts: new Map(),
    fail: undefined,
    async encode(block, indices) {
      let counts = encoding.counts.get(block)
      if (!counts) encoding.counts.set(block, (counts = new Map()))
      for (const i of indices) counts.set(i, (counts.get(i) ?? 0) + 1)
      await pause()
      return indices.map(i => wrap(entryAt(block, i)))
    },
    async encodeMessage(message) {
      await pause()
      return wrap(message)
    },
  }
  return encoding
}

/** What was encoded. */
export function decode(encoding: Encoding, payload: Buffer): string {
  const text = payload.toString()
  if (!text.startsWith(`${encoding.name}:`)) throw new Error(`not ${encoding.name}: ${text.slice(0, 40)}`)
  return text.slice(encoding.name.length + 1)
}
