import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../constellation/bench/client.ts'
import type { RecordKey } from '../src/store.ts'
import { recordPath } from '../test/world.ts'

export function pathOf({ did, collection, rkey }: RecordKey): string {
  return `${recordPath}?repo=${did}&collection=${collection}&rkey=${rkey}`
}

/** Asks for all in turn over some connections; answers how many requests were answered. */
export async function hammer(
  url: string,
  paths: readonly string[],
  ms: number,
  connections = 16,
): Promise<number> {
  const until = performance.now() + ms
  let next = 0
  const counts = await Promise.all(
    Array.from({ length: connections }, async () => {
      using client = await Client.connect(url)
      let requests = 0
      for (; performance.now() < until; requests++) await client.get(paths[next++ % paths.length]!)
      return requests
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** How long single requests take, one after the other with a pause between them: some 200 a second. */
export async function latencies(
  url: string,
  paths: readonly string[],
  ms: number,
  pauseMs = 4,
): Promise<{ p50: number; p99: number }> {
  using client = await Client.connect(url)
  const times: number[] = []
  const until = performance.now() + ms
  for (let i = 0; performance.now() < until; i++) {
    const from = performance.now()
    await client.get(paths[i % paths.length]!)
    times.push(performance.now() - from)
    await sleep(pauseMs)
  }
  times.sort((a, b) => a - b)
  return { p50: times[Math.floor(times.length * 0.5)]!, p99: times[Math.floor(times.length * 0.99)]! }
}
