import { getEventListeners } from 'node:events'
import { type Identity, IdentityError, type IdentityErrorCode } from '@orrery/identity'
import { describe, expect, it } from 'vitest'
import { createKeySource, type KeySourceOptions, type VerifyMode } from './keys.ts'

const plc = 'did:plc:a'
const web = 'did:web:a.test'
const identityOf = (signingKey?: string): Identity => ({
  did: plc,
  document: {},
  fetchedAt: 0,
  ...(signingKey !== undefined && { signingKey }),
})
const key = { kind: 'key', key: 'z1' }

/** A key source over answers that are given one after the other, the last for ever. */
function setUp(
  mode: VerifyMode,
  answers: readonly (Identity | Error | 'silence')[],
  options: Partial<KeySourceOptions> = {},
) {
  const stop = new AbortController()
  const calls: string[] = []
  const next = async (name: string, signal: AbortSignal | undefined): Promise<Identity> => {
    const answer = answers[Math.min(calls.length, answers.length - 1)]!
    calls.push(name)
    const aborted = (): IdentityError => new IdentityError('aborted', 'the wait was ended')
    if (signal?.aborted) throw aborted()
    if (answer === 'silence') {
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(aborted())))
    }
    if (answer instanceof Error) throw answer
    return answer
  }
  const keys = createKeySource({
    mode,
    signal: stop.signal,
    identity: {
      cached: did => (did === plc ? identityOf('z1') : undefined),
      resolve: (_, { signal } = {}) => next('resolve', signal),
      refresh: (_, { signal } = {}) => next('refresh', signal),
    },
    ...options,
  })
  return { keys, calls, stop }
}

const failure = (code: IdentityErrorCode): IdentityError => new IdentityError(code, 'in words')

async function timed<T>(promise: Promise<T>): Promise<{ answer: T; ms: number }> {
  const startedAt = performance.now()
  const answer = await promise
  return { answer, ms: performance.now() - startedAt }
}

describe('cached', () => {
  it('answers from memory or not at all', () => {
    const { keys, calls } = setUp('strict', [])
    expect(keys.cached(plc)).toEqual(key)
    expect(keys.cached(web)).toBeUndefined()
    expect(calls).toEqual([])
  })
})

describe('find', () => {
  it('answers the key, or that there is none', async () => {
    expect(await setUp('strict', [identityOf('z1')]).keys.find(plc)).toEqual(key)
    expect(await setUp('strict', [identityOf()]).keys.find(plc)).toMatchObject({ reason: 'no_signing_key' })
  })

  it.each([
    'not_found',
    'tombstoned',
    'invalid_did',
    'unsupported_method',
    'invalid_document',
    'blocked_address',
  ] as const)('takes %s for an answer, in every mode', async code => {
    for (const mode of ['strict', 'timely'] as const) {
      const { keys, calls } = setUp(mode, [failure(code)])
      expect(await keys.find(plc)).toMatchObject({ kind: 'refused', reason: 'identity_not_found' })
      expect(calls).toHaveLength(1)
    }
  })

  it('tries again after what may pass', async () => {
    const { keys, calls } = setUp('strict', [failure('network'), failure('unavailable'), identityOf('z1')])
    expect(await keys.find(plc)).toEqual(key)
    expect(calls).toHaveLength(3)
  })

  it.each([
    ['timely', plc, { timelyMs: 300 }, { kind: 'unknown' }],
    ['timely', web, { timelyMs: 300 }, { kind: 'unknown' }],
    ['strict', plc, { strictPlcMs: 300, strictWebMs: 9_000 }, { reason: 'identity_unreachable' }],
    ['strict', web, { strictPlcMs: 9_000, strictWebMs: 300 }, { reason: 'identity_unreachable' }],
  ] as const)('is patient under %s for %s as long as it was told', async (mode, did, options, expected) => {
    for (const answers of [['silence' as const], [failure('timeout')]]) {
      const { answer, ms } = await timed(setUp(mode, answers, options).keys.find(did))
      expect(answer).toMatchObject(expected)
      expect(ms).toBeGreaterThan(290)
      expect(ms).toBeLessThan(1_000)
    }
  })

  it('ends with the signal, and leaves nothing on it', async () => {
    const { keys, stop } = setUp('strict', ['silence'])
    const finding = Array.from({ length: 50 }, () => keys.find(plc))
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(50)
    stop.abort()
    for (const answer of await Promise.all(finding)) expect(answer).toMatchObject({ kind: 'refused' })
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
    expect(await keys.find(plc)).toMatchObject({ kind: 'refused' })
  })

  it('lets only so many commits wait for one identity', async () => {
    const { keys, stop } = setUp('timely', ['silence'], { maxWaiting: 2, timelyMs: 60_000 })
    const first = [keys.find(web), keys.find(web)]
    expect(await keys.find(web)).toEqual({ kind: 'unknown' })
    expect(await Promise.race([keys.find('did:web:b.test'), Promise.resolve('waits')])).toBe('waits')
    stop.abort()
    await Promise.all(first)
  })

  it('lets any number of commits wait for a did:plc under strict', async () => {
    const { keys, stop } = setUp('strict', ['silence'], { maxWaiting: 1 })
    const finding = [keys.find(plc), keys.find(plc)]
    expect(await Promise.race([...finding, Promise.resolve('waits')])).toBe('waits')
    stop.abort()
    await Promise.all(finding)
  })

  it('throws what is not the network’s fault', async () => {
    const broken = new Error('the document store is broken')
    await expect(setUp('strict', [broken]).keys.find(plc)).rejects.toBe(broken)
  })
})

describe('refresh', () => {
  it('answers what is new, what is final, or nothing', async () => {
    expect(await setUp('strict', [identityOf('z1')]).keys.refresh(plc)).toEqual(key)
    expect(await setUp('strict', [failure('tombstoned')]).keys.refresh(plc)).toMatchObject({
      reason: 'identity_not_found',
    })
    expect(await setUp('strict', [failure('network')]).keys.refresh(plc)).toBeUndefined()
  })

  it('is one request for all who ask meanwhile', async () => {
    const { keys, calls } = setUp('strict', [identityOf('z1'), identityOf('z2')])
    expect(await Promise.all([keys.refresh(plc), keys.refresh(plc), keys.refresh(plc)])).toEqual([
      key,
      key,
      key,
    ])
    expect(calls).toEqual(['refresh'])
    expect(await keys.refresh(plc)).toEqual({ kind: 'key', key: 'z2' })
  })

  it('throws what is not the network’s fault, and can be asked again', async () => {
    const broken = new Error('the document store is broken')
    const { keys } = setUp('strict', [broken, identityOf('z1')])
    await expect(keys.refresh(plc)).rejects.toBe(broken)
    expect(await keys.refresh(plc)).toEqual(key)
  })
})
