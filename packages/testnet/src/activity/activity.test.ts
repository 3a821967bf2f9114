import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createAccount } from '../account.ts'
import { tapFirehose } from '../firehose-tap.ts'
import { startNetwork } from '../network.ts'
import { waitFor } from '../wait.ts'
import { type ActivityEntry, startActivity } from './activity.ts'
import { ACTIVITY_KINDS, type ActivityKind } from './kinds.ts'

// Loading the PDS takes seconds, which belong to no test.
beforeAll(async () => {
  await using _ = await startNetwork({ accounts: 0 })
})

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const onlyPosts = Object.fromEntries(ACTIVITY_KINDS.map(kind => [kind, kind === 'post' ? 1 : 0]))

/** As many of the rare kinds as of the others, so that a short run has them all. */
const even = Object.fromEntries(ACTIVITY_KINDS.map(kind => [kind, 1])) as Record<ActivityKind, number>

async function run(seed: number): Promise<{ entries: ActivityEntry[]; came: unknown[] }> {
  await using network = await startNetwork({ accounts: 3 })
  await using firehose = await tapFirehose(network.pds.url)
  await using activity = startActivity(network, { seed, perSecond: 10_000, maxActions: 30, mix: even })
  const entries = await Array.fromAsync(activity.log)
  const counts = await activity.done
  expect(counts).toMatchObject({ failed: 0, logDropped: 0 })
  expect(Object.values(counts.done).reduce((sum, count) => sum + count, 0)).toBe(30)

  // The firehose is in order: once this has come, all before it has.
  await createAccount(network, 'the-end')
  await firehose.waitFor(({ body }) => body.handle === 'the-end.test')
  return { entries, came: firehose.messages.map(({ body }) => body.rev) }
}

const kinds = ({ entries }: { entries: ActivityEntry[] }) => entries.map(({ kind }) => kind)

describe('startActivity', () => {
  it('does the same for the same seed, and all of it comes out of the firehose', async () => {
    const [first, second] = [await run(3), await run(3)]
    expect(kinds(second)).toEqual(kinds(first))
    expect(new Set(kinds(first)).size).toBe(ACTIVITY_KINDS.length)
    for (const { entries, came } of [first, second]) {
      // A PDS forgets what a deleted account did, also what it has not sent yet.
      const closed = new Set(entries.filter(({ kind }) => kind === 'close').map(({ did }) => did))
      const revs = entries
        .filter(({ did }) => !closed.has(did))
        .map(({ rev }) => rev)
        .filter(rev => rev !== undefined)
      expect(revs.length).toBeGreaterThan(8)
      expect(revs.filter(rev => !came.includes(rev))).toEqual([])
      expect(entries.map(({ number }) => number)).toEqual(entries.map((_, i) => i + 1))
    }
  })

  it('keeps its rate, and stops on its signal', async () => {
    const network = stack.use(await startNetwork({ accounts: 2 }))
    const stopper = new AbortController()
    const started = performance.now()
    const activity = startActivity(network, { perSecond: 4, signal: stopper.signal, maxLog: 1 })
    await waitFor(() => activity.counts().logDropped === 3)
    stopper.abort()
    const { done, failed } = await activity.done
    const actions = Object.values(done).reduce((sum, count) => sum + count, 0)
    expect(failed).toBe(0)
    expect(actions).toBeLessThanOrEqual(5)
    // Four actions have three pauses of 250 ms between them.
    expect(performance.now() - started).toBeGreaterThan(740)
    expect((await Array.fromAsync(activity.log)).length).toBe(1)
  })

  it('outlives an outage of the PDS, counting what failed', async () => {
    const network = stack.use(await startNetwork({ accounts: 2 }))
    const activity = startActivity(network, { perSecond: 200, mix: { ...even, deactivate: 0 } })
    await waitFor(() => activity.counts().done.post > 0)
    await network.pds.stop()
    await waitFor(() => activity.counts().failed >= 3)
    await network.pds.start()
    const before = activity.counts().done.post
    await waitFor(() => activity.counts().done.post > before)
    await activity[Symbol.asyncDispose]()

    const entries = await Array.fromAsync(activity.log)
    const failures = entries.filter(({ error }) => error !== undefined)
    expect(failures).toHaveLength(activity.counts().failed)
    expect(failures.every(({ uri }) => uri === undefined)).toBe(true)
  })

  it('passes on what is no refusal', async () => {
    const broken = { did: 'did:plc:a', handle: 'a.test', post: () => Promise.reject(new TypeError('a bug')) }
    const network = { accounts: [broken as never], pds: undefined as never }
    const activity = startActivity(network, { mix: onlyPosts })
    await expect(activity.done).rejects.toThrow('a bug')
    expect(await Array.fromAsync(activity.log)).toEqual([])
  })

  it('needs accounts and a rate', async () => {
    const network = { accounts: [], pds: undefined as never }
    expect(() => startActivity(network)).toThrow(RangeError)
    expect(() => startActivity(network, { perSecond: 0 })).toThrow(RangeError)
  })
})
