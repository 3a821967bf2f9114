import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { Histogram } from './histogram.ts'
import { connectSubscriber, type LoadSubscriber } from './subscriber.ts'
import type { LoadOptions, LoadResult } from './types.ts'

/** All subscribers of one load process, and what they have received. */
export interface Crowd {
  reset(): void
  result(): LoadResult
  /** Resolves when each subscriber of group i has `frames[i]` frames, or the time is over. */
  received(frames: readonly number[], timeoutMs: number): Promise<void>
}

interface Member {
  subscriber: LoadSubscriber
  group: number
  /** What it had at the last reset. */
  framesBefore: number
  bytesBefore: number
}

const pollMs = 5

/**
 * Connects all subscribers, some at a time.
 *
 * @throws (rejects) where the server refuses one
 */
export async function connectCrowd(options: LoadOptions): Promise<Crowd> {
  const { groups, sampleEvery = 100, timeMember, connectAtATime = 50 } = options
  const dictionary = options.zstdDictionary === undefined ? undefined : readFileSync(options.zstdDictionary)
  const latency = new Histogram()
  const members: Member[] = []
  let sampled = 0
  let outOfOrder = 0
  let closed: Record<string, number> = {}
  let startedAt = performance.now()
  let cpuBefore = process.cpuUsage()

  async function connect(group: number): Promise<void> {
    const { hostname, port, pathname, search } = new URL(groups[group]!.url)
    let lastUs = 0
    const subscriber = await connectSubscriber({
      host: hostname,
      port: Number(port),
      path: pathname + search,
      sampleEvery,
      onSample(bytes, start, end) {
        sampled++
        if (timeMember === undefined) return
        const timeUs = timeOf(payloadOf(bytes, start, end, dictionary), timeMember)
        // Not greater, which a missing time is not either.
        if (!(timeUs > lastUs)) outOfOrder++
        lastUs = timeUs
        latency.add(performance.timeOrigin + performance.now() - timeUs / 1000)
      },
      onClose: code => (closed[code] = (closed[code] ?? 0) + 1),
    })
    members.push({ subscriber, group, framesBefore: 0, bytesBefore: 0 })
  }

  const waiting = groups.flatMap(({ count }, group) => Array.from({ length: count }, () => group)).values()
  await Promise.all(
    Array.from({ length: connectAtATime }, async () => {
      for (const group of waiting) await connect(group)
    }),
  )

  const framesOf = ({ subscriber, framesBefore }: Member): number => subscriber.scanner.frames - framesBefore
  const hasAll = (frames: readonly number[]): boolean =>
    members.every(member => framesOf(member) >= frames[member.group]! && member.subscriber.scanner.atBoundary)

  return {
    reset() {
      for (const member of members) {
        member.framesBefore = member.subscriber.scanner.frames
        member.bytesBefore = member.subscriber.bytes
      }
      latency.reset()
      sampled = outOfOrder = 0
      closed = {}
      startedAt = performance.now()
      cpuBefore = process.cpuUsage()
    },
    result() {
      const { user, system } = process.cpuUsage(cpuBefore)
      const byGroup = Map.groupBy(members, member => member.group)
      return {
        frames: members.reduce((sum, member) => sum + framesOf(member), 0),
        bytes: members.reduce((sum, { subscriber, bytesBefore }) => sum + subscriber.bytes - bytesBefore, 0),
        groups: groups.map((_, group) => {
          const frames = (byGroup.get(group) ?? []).map(framesOf)
          return {
            frames: frames.reduce((sum, count) => sum + count, 0),
            fewest: Math.min(...frames),
            most: Math.max(...frames),
          }
        }),
        sampled,
        outOfOrder,
        latencyMs: latency.read(),
        closed,
        cpuMs: (user + system) / 1000,
        elapsedMs: performance.now() - startedAt,
      }
    },
    async received(frames, timeoutMs) {
      const until = performance.now() + timeoutMs
      while (!hasAll(frames) && performance.now() < until) {
        await new Promise(resolve => setTimeout(resolve, pollMs))
      }
    },
  }
}

function payloadOf(bytes: Buffer, start: number, end: number, dictionary: Buffer | undefined): Buffer {
  const payload = bytes.subarray(start, end)
  // The magic number of zstd; JSON cannot begin so.
  if (payload.length < 4 || payload.readUInt32LE(0) !== 0xfd2fb528) return payload
  return zstdDecompressSync(payload, dictionary ? { dictionary } : {})
}

/** The digits behind a member's name, without parsing the rest; NaN where there are none. */
function timeOf(payload: Buffer, member: string): number {
  const at = payload.indexOf(`"${member}":`)
  return at < 0
    ? Number.NaN
    : Number.parseInt(payload.toString('latin1', at + member.length + 3, at + member.length + 22))
}
