import { setTimeout as sleep } from 'node:timers/promises'
import type { Encoding } from '../subscriber.ts'

/** An encoding that takes its time, and counts how often each text of each block was encoded. */
export interface FakeEncoding extends Encoding {
  /** By the memory of the block, and the place in it. */
  readonly counts: Map<ArrayBufferLike, Map<number, number>>
  calls: number
  /** What the next encodings reject with. */
  fail: Error | undefined
}

/** Puts `name:` before each message. `delayMs` by the number of the call; none by default. */
export function fakeEncoding(name: string, delayMs: (call: number) => number = () => 0): FakeEncoding {
  const wrap = (message: Buffer): Buffer => Buffer.concat([Buffer.from(`${name}:`), message])
  async function pause(): Promise<void> {
    const ms = delayMs(encoding.calls++)
    if (ms > 0) await sleep(ms)
    if (encoding.fail) throw encoding.fail
  }
  const encoding: FakeEncoding = {
    name,
    counts: new Map(),
    calls: 0,
    fail: undefined,
    async encode(texts) {
      for (const { buffer, byteOffset } of texts) {
        let counts = encoding.counts.get(buffer)
        if (!counts) encoding.counts.set(buffer, (counts = new Map()))
        counts.set(byteOffset, (counts.get(byteOffset) ?? 0) + 1)
      }
      await pause()
      return texts.map(text => wrap(text))
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
