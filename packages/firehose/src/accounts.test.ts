import { describe, expect, it } from 'vitest'
import { AccountBook, fingerprint } from './accounts.ts'
import type { AccountState } from './events.ts'
import { createMemoryProgress } from './progress/memory.ts'

const stateAt = (rev: string): AccountState => ({ rev, data: 'b', active: true, status: undefined })

/** Pushes everything out of memory that can be. */
function forget(book: AccountBook): void {
  for (let i = 0; i < 100_001; i++) book.get(`did:plc:other${i}`)
  for (let i = 0; i < 100_001; i++) book.isNoticed(`other${i}`)
}

describe('AccountBook', () => {
  it('knows what was saved and what has changed since', () => {
    const progress = createMemoryProgress()
    progress.save({
      cursors: [],
      accounts: [{ did: 'did:plc:a', ...stateAt('1') }],
      notices: [{ fingerprint: 'x', seenAt: 1 }],
      gaps: [],
    })
    const book = new AccountBook(progress)
    expect(book.get('did:plc:a').rev).toBe('1')
    expect(book.get('did:plc:b')).toEqual({ rev: '', data: '', active: true, status: undefined })
    book.set('did:plc:a', stateAt('2'))
    expect(book.get('did:plc:a').rev).toBe('2')
    expect([book.isNoticed('x'), book.isNoticed('y')]).toEqual([true, false])
    expect([book.notice('x', 5), book.notice('y', 5), book.notice('y', 6)]).toEqual([false, true, false])
  })

  it('hands each change over once, the newest of an account', () => {
    const book = new AccountBook(createMemoryProgress())
    book.set('did:plc:a', stateAt('1'))
    book.set('did:plc:a', stateAt('2'))
    book.notice('x', 5)
    expect(book.takeChanges()).toEqual({
      accounts: [{ did: 'did:plc:a', ...stateAt('2') }],
      notices: [{ fingerprint: 'x', seenAt: 5 }],
    })
    expect(book.takeChanges()).toEqual({ accounts: [], notices: [] })
  })

  it('forgets nothing that is not saved, however much else is looked up', () => {
    const book = new AccountBook(createMemoryProgress())
    book.set('did:plc:a', stateAt('1'))
    book.notice('x', 5)
    forget(book)
    expect(book.get('did:plc:a').rev).toBe('1')
    expect(book.notice('x', 5)).toBe(false)
    // Taken, but the consumer is still at it.
    book.takeChanges()
    forget(book)
    expect(book.get('did:plc:a').rev).toBe('1')
    expect(book.notice('x', 5)).toBe(false)
  })

  it('reads from the store what it forgot', () => {
    const progress = createMemoryProgress()
    const book = new AccountBook(progress)
    book.set('did:plc:a', stateAt('1'))
    progress.save({ cursors: [], gaps: [], ...book.takeChanges() })
    book.takeChanges()
    forget(book)
    expect(book.get('did:plc:a').rev).toBe('1')
  })
})

it('fingerprints are short, and differ', () => {
  const prints = [fingerprint('a', 'b'), fingerprint('a', 'c'), fingerprint('ab')]
  expect(new Set(prints).size).toBe(3)
  for (const print of prints) expect(print).toMatch(/^[\w-]{16,22}$/)
})
