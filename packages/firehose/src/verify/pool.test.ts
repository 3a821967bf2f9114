import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Author, frameOf } from '../../test/support/author.ts'
import { keepCompiled } from '../../test/support/compile-cache.ts'
import { openVerifyPool, type VerifyPool } from './pool.ts'
import type { Verdict } from './verdict.ts'

const fragile = new URL('../../test/fixtures/fragile-verifier.ts', import.meta.url)
const stillborn = new URL('../../test/fixtures/stillborn-verifier.ts', import.meta.url)

keepCompiled()
let owned: AsyncDisposableStack
const failures: unknown[] = []
beforeEach(() => {
  owned = new AsyncDisposableStack()
  failures.length = 0
})
afterEach(() => owned.disposeAsync())

const author = new Author(50)

async function open(threads: number, script = fragile): Promise<VerifyPool> {
  const onFailure = (error: unknown): unknown => failures.push(error)
  return owned.use(await openVerifyPool({ checks: 'full', threads, script, onFailure }))
}

/** Has frames checked; their verdicts, in the order of the frames. */
function check(
  pool: VerifyPool,
  texts: readonly string[],
): Promise<{ verdict: Verdict; records: string[] }[]> {
  return Promise.all(
    texts.map(text => {
      const frame = frameOf(author.post(text), 1)
      return new Promise<{ verdict: Verdict; records: string[] }>(resolve => {
        pool.submit(frame, author.key.multikey, (verdict, json) => {
          const ops = verdict.ok && verdict.kind === 'commit' ? verdict.ops : []
          resolve({
            verdict,
            records: ops.map(({ start, end }) => Buffer.from(json.subarray(start, end)).toString()),
          })
        })
      })
    }),
  )
}

const outcome = ({ verdict }: { verdict: Verdict }): string => (verdict.ok ? 'ok' : verdict.reason)
const ok = (count: number): string[] => Array.from({ length: count }, () => 'ok')

describe('VerifyPool', () => {
  it('answers each frame with its own verdict and records, over several threads', async () => {
    const pool = await open(2)
    const texts = Array.from({ length: 150 }, (_, i) => `text ${i}`)
    const results = await check(pool, texts)
    expect(results.map(outcome)).toEqual(ok(150))
    expect(results.map(({ records }) => records)).toEqual(
      texts.map(text => [`{"$type":"app.bsky.feed.post","text":"${text}"}`]),
    )
    expect(pool.queued).toBe(0)
  })

  it('leaves the frames as they were, for who needs them again', async () => {
    const pool = await open(1)
    const frame = frameOf(author.post('hello'), 1)
    const copy = Uint8Array.from(frame)
    await new Promise<void>(resolve => pool.submit(frame, null, () => resolve()))
    expect(frame).toEqual(copy)
  })

  it('holds nobody up behind a slow frame while another thread is free', async () => {
    const pool = await open(2)
    const folder = mkdtempSync(join(tmpdir(), 'orrery-pool-'))
    owned.defer(() => rmSync(folder, { recursive: true }))
    const gate = join(folder, 'gate')
    let slowIsOver = false
    const slow = check(pool, [`HOLD ${gate};`]).then(results => {
      slowIsOver = true
      return results
    })
    await new Promise(setImmediate)
    expect((await check(pool, ['quick'])).map(outcome)).toEqual(['ok'])
    expect(slowIsOver).toBe(false)
    writeFileSync(gate, '')
    expect((await slow).map(outcome)).toEqual(['ok'])
  })

  it.each([
    ['throws', 'THROW'],
    ['runs out of memory', 'MEMORY'],
    ['exits', 'EXIT'],
  ])('refuses a frame on which a verifier %s, and no other', async (_, word) => {
    const pool = await open(1)
    const texts = ok(20).map((text, i) => (i === 7 ? `a frame to ${word} on` : `${text} ${i}`))
    const results = await check(pool, texts)
    expect(results.map(outcome)).toEqual(ok(20).with(7, 'verifier_crash'))
    expect(results[7]!.verdict).toMatchObject({ detail: expect.any(String) as string })
    // It goes on with a fresh thread.
    expect((await check(pool, ['more'])).map(outcome)).toEqual(['ok'])
  })

  it.each([1, 2])(
    'refuses several such frames in a stream of others, on %i threads, and none of those',
    async threads => {
      const pool = await open(threads)
      const isBad = (i: number): boolean => i % 30 === 10
      const texts = Array.from({ length: 90 }, (_, i) => (isBad(i) ? `EXIT ${i}` : `${i}`))
      const results: ReturnType<typeof check>[] = []
      for (const text of texts) {
        results.push(check(pool, [text]))
        await sleep(2)
      }
      expect((await Promise.all(results)).flat().map(outcome)).toEqual(
        texts.map((_, i) => (isBad(i) ? 'verifier_crash' : 'ok')),
      )
      expect(failures).toEqual([])
    },
  )

  it('says so when a thread cannot be replaced', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-pool-'))
    owned.defer(() => rmSync(folder, { recursive: true }))
    process.env.STILLBORN_FILE = join(folder, 'started')
    const pool = await open(1, stillborn)
    void check(pool, ['any'])
    await waitFor(() => failures.length > 0)
    expect(failures).toMatchObject([{ message: 'no thread can be had' }])
    // And does not open at all when there is none from the start.
    await expect(open(2, stillborn)).rejects.toThrow('no thread can be had')
  })

  it('answers nothing after it was disposed, and leaves no thread', async () => {
    const pool = await open(2)
    let answers = 0
    const frame = frameOf(author.post('SLOW'), 1)
    for (let i = 0; i < 200; i++) pool.submit(frame, null, () => answers++)
    await new Promise(setImmediate)
    await pool[Symbol.asyncDispose]()
    const answered = answers
    await sleep(100)
    expect(answers).toBe(answered)
    expect(noThreads()).toBe(true)
  })

  it('leaves no thread either that was being replaced when it was disposed', async () => {
    const pools = await Promise.all([open(1), open(1), open(1)])
    // A thread takes some hundred milliseconds to start, so that these times are before, within and behind.
    await Promise.all(
      pools.map(async (pool, i) => {
        pool.submit(frameOf(author.post('EXIT'), 1), null, () => {})
        await sleep([20, 80, 160][i])
        await pool[Symbol.asyncDispose]()
      }),
    )
    await waitFor(noThreads)
    await sleep(300)
    expect(noThreads()).toBe(true)
    expect(failures).toEqual([])
  })
})

function noThreads(): boolean {
  return !process.getActiveResourcesInfo().some(name => name.includes('MessagePort'))
}
