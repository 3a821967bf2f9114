import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { didOfLine, startFakePlc, startFakeRelay, startProcess, waitFor } from '@orrery/testnet'
import { expect } from 'vitest'
import { expectSameAccounts, readLog } from './log-lines.ts'
import { createMutants } from './mutants.ts'
import type { ServerApi } from './server-process.ts'

export interface SoakResult {
  frames: number
  mutants: number
  seconds: number
  /** How many frames were dropped, by reason. */
  drops: Record<string, number>
  /** Memory once it was warm, and at the end, bytes. */
  warm: { heap: number; rss: number }
  end: { heap: number; rss: number }
}

/** Mutants for each frame that is as it was. */
const mutantsEach = 24

/** Frames sent before it is waited for that they have left. */
const burst = 4 * (mutantsEach + 2)

/** Frames kept for who wants to know what it was. */
const kept = 2_000

const messages = 'jetstream_upstream_messages_total'
const drop = /^jetstream_upstream_dropped_total\{reason="(\w+)"\}$/

/**
 * Sends mutated frames through the whole service, in a process of its own, as fast as it takes them, with frames of other
 * accounts between them. Fails where it ends, fails in any part, does not count what it was sent, loses anything of the
 * accounts that nobody touched, or lets out of the others what they never did. Its memory is for the caller to judge.
 */
export async function soak(seed: number, seconds: number): Promise<SoakResult> {
  const last: Uint8Array[] = []
  try {
    return await sendMutants(seed, seconds, last)
  } catch (error) {
    // One of them may be worth keeping as a case.
    const file = join(tmpdir(), `orrery-mutants-${seed}-${Date.now()}.bin`)
    await writeFile(file, Buffer.concat(last.flatMap(frame => [u32(frame.length), frame])))
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(`${what}\nThe last frames sent, each behind its length, are in ${file}`, { cause: error })
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

async function sendMutants(seed: number, seconds: number, last: Uint8Array[]): Promise<SoakResult> {
  await using stack = new AsyncDisposableStack()
  const mutants = await createMutants(seed)
  const plc = stack.use(await startFakePlc(mutants.documents))
  const relay = stack.use(await startFakeRelay({ maxHistory: 1_000 }))
  const server = stack.use(startProcess<ServerApi>(new URL('./server-process.ts', import.meta.url)))
  const url = await server.call('start', {
    source: relay.url,
    'plc-url': plc.url,
    'allow-private-hosts': true,
    verify: 'strict',
    // Full when the server is called warm.
    'memory-for-recent': '2MiB',
    'memory-for-replay': '2MiB',
  })
  await relay.nextConnection()
  let sent = 0
  let sentMutants = 0
  const push = (bytes: Uint8Array): void => {
    relay.push(bytes, ++sent)
    last.push(bytes)
    if (last.length > kept * 2) last.splice(0, kept)
  }

  /** Until the service has taken in all that it was sent, and nothing is under way any more. */
  async function caughtUp(): Promise<Record<string, number>> {
    let before = -1
    return waitFor(
      async () => {
        const failures = await server.call('failures')
        if (failures.length > 0) throw new Error(`the service failed: ${failures.join('; ')}`)
        const metrics = await server.call('metrics')
        const ended = Object.entries(metrics).reduce(
          (sum, [name, count]) => (/upstream_(dropped|events)_total/.test(name) ? sum + count : sum),
          0,
        )
        const isQuiet = ended === before && metrics[messages]! >= sent
        before = ended
        return isQuiet && metrics
      },
      { timeoutMs: 120_000, everyMs: 500, what: `${sent} frames to be taken in` },
    )
  }

  async function sendFor(ms: number): Promise<void> {
    for (const until = performance.now() + ms; performance.now() < until;) {
      push(mutants.good().bytes)
      push(mutants.crooked())
      for (let i = 0; i < mutantsEach; i++) push(mutants.mutant())
      sentMutants += mutantsEach
      if (sent % burst > 0) continue
      await relay.drained(60_000)
      // Where the socket takes all at once nothing else would get its turn: the directory is in this process, too.
      await nextTurn()
    }
    await relay.drained(60_000)
  }

  const startedAt = performance.now()
  // Caches have filled and code is compiled when a third is over; in ten minutes, sooner.
  const warmMs = Math.min((seconds * 1000) / 3, 120_000)
  await sendFor(warmMs)
  await caughtUp()
  const warm = await server.call('memory')
  await sendFor(seconds * 1000 - warmMs)
  const metrics = await caughtUp()
  const end = await server.call('memory')

  expect(metrics[messages]).toBe(sent)
  expect(metrics.jetstream_upstream_connects_total).toBe(1)
  const { expected, possible, isVictim } = mutants
  const isGood = (line: string): boolean => !isVictim(didOfLine(line))
  const log = await readLog(url, lines => lines.filter(isGood).length >= expected.length, 120_000)
  expectSameAccounts(log.filter(isGood), expected)
  // A DID and a rev begin what was signed.
  const untrue = log.filter(
    line => !isGood(line) && /^did:plc:\w{24} \w{13} /.test(line) && !possible.has(line),
  )
  expect(untrue.slice(0, 5)).toEqual([])

  const drops = Object.fromEntries(
    Object.entries(metrics)
      .map(([name, count]) => [drop.exec(name)?.[1] ?? '', count] as const)
      .filter(([reason, count]) => reason !== '' && count > 0),
  )
  const took = (performance.now() - startedAt) / 1000
  return { frames: sent, mutants: sentMutants, seconds: took, drops, warm, end }
}

/**
 * What a server that keeps nothing may have grown by, bytes. Its caches are bounded, but not all full when it is called
 * warm: what it remembers of accounts that are made up goes on growing for hours, to some tens of megabytes.
 */
const mayGrow = { heap: 32 * 1024 * 1024, rss: 64 * 1024 * 1024 }

/** What is wrong with what a soak found: too little of something, or memory that grew. */
export function problemsOf(
  { mutants, drops, warm, end }: SoakResult,
  least: { mutants: number; reasons: number },
): string[] {
  const reasons = Object.keys(drops).length
  const grown = { heap: end.heap - warm.heap, rss: end.rss - warm.rss }
  return [
    mutants < least.mutants && `only ${mutants} mutants were sent`,
    reasons < least.reasons && `only ${reasons} reasons were seen; they do not go deep`,
    drops.verifier_crash !== undefined && `verifiers crashed; ${drops.verifier_crash} frames`,
    grown.heap > mayGrow.heap && `the heap has grown by ${grown.heap} bytes`,
    grown.rss > mayGrow.rss && `the process has grown by ${grown.rss} bytes`,
  ].filter(problem => problem !== false)
}
