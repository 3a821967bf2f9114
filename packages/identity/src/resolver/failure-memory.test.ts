import { describe, expect, it } from 'vitest'

import { IdentityError } from '../errors.ts'
import { createFailureMemory } from './failure-memory.ts'

function setUp() {
  const clock = { now: 1_000_000 }
  const limits = { maxEntries: 100, definiteMs: 300_000, firstRetryMs: 1_000, maxRetryMs: 8_000 }
  return { clock, failures: createFailureMemory({ ...limits, now: () => clock.now }) }
}
const did = 'did:web:example.com'

describe('createFailureMemory', () => {
  it('repeats a definite failure for its time', () => {
    const { clock, failures } = setUp()
    expect(failures.active(did)).toBeUndefined()
    failures.note(did, new IdentityError('not_found', 'gone', { did, status: 404 }))
    clock.now += 299_999
    expect(failures.active(did)).toMatchObject({
      code: 'not_found',
      status: 404,
      did,
      retryAfterMs: 1,
      retryable: false,
    })
    clock.now += 1
    expect(failures.active(did)).toBeUndefined()
  })

  it('waits twice as long after each passing failure in a row', () => {
    const { clock, failures } = setUp()
    const waits = Array.from({ length: 6 }, () => {
      failures.note(did, new IdentityError('timeout', 'slow'))
      const wait = failures.active(did)?.retryAfterMs ?? 0
      clock.now += wait
      return wait
    })
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
    failures.clear(did)
    failures.note(did, new IdentityError('timeout', 'slow'))
    expect(failures.active(did)?.retryAfterMs).toBe(1_000)
  })

  it('waits as long as it is asked to', () => {
    const { failures } = setUp()
    failures.note(did, new IdentityError('http_error', 'busy', { status: 429, retryAfterMs: 30_000 }))
    expect(failures.active(did)).toMatchObject({ status: 429, retryAfterMs: 30_000, retryable: true })
  })

  it('does not hold our own troubles against a DID', () => {
    const { failures } = setUp()
    for (const code of ['aborted', 'overloaded', 'unavailable'] as const) {
      failures.note(did, new IdentityError(code, 'ours'))
    }
    expect(failures.active(did)).toBeUndefined()
    expect(failures.size()).toBe(0)
  })

  it('is bounded', () => {
    const { failures } = setUp()
    for (let n = 0; n < 1_000; n++) failures.note(`did:web:${n}.test`, new IdentityError('not_found', 'gone'))
    expect(failures.size()).toBe(100)
  })
})
