import { openDatabase } from '@orrery/storage'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AccountBook, fingerprint } from './accounts.ts'
import type { AccountState } from './events.ts'
import { createMemoryProgress } from './progress/memory.ts'
import { createProgressTables, prepareReadProgress, prepareSaveProgress } from './progress/sqlite.ts'

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
    const settling = { generation: 0, accounts: [], done: undefined }
    expect(book.takeChanges()).toEqual({
      accounts: [{ did: 'did:plc:a', ...stateAt('2') }],
      settling,
      notices: [{ fingerprint: 'x', seenAt: 5 }],
    })
    expect(book.takeChanges()).toEqual({ accounts: [], settling, notices: [] })
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

describe('AccountBook over SQLite', () => {
  /** What a run of batches is made of; `crash` is between two batches, and what was changed but not stored is lost. */
  const step = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        changes: fc.array(fc.nat(60), { maxLength: 12 }),
        looks: fc.array(fc.nat(60), { maxLength: 5 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  )

  it('knows after every crash what was stored, wherever it lies', () => {
    let moved = 0
    let trimmed = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 80 }), steps => {
        const db = openDatabase(':memory:')
        createProgressTables(db)
        const save = db.transaction(prepareSaveProgress(db))
        const store = prepareReadProgress(db)
        const open = (): AccountBook => new AccountBook(store, { generationAccounts: 25 })
        const truth = new Map<number, AccountState>()
        let book = open()
        for (const [i, one] of steps.entries()) {
          if (one === 'crash') {
            book = open()
            continue
          }
          for (const at of one.looks) {
            expect(book.get(`did:plc:${at}`)).toEqual(truth.get(at) ?? { ...stateAt(''), data: '' })
          }
          for (const at of one.changes) {
            const state = { ...stateAt(String(i)), status: i % 2 === 0 ? undefined : 'takendown' }
            book.set(`did:plc:${at}`, state)
            truth.set(at, state)
          }
          const { accounts, settling, notices } = book.takeChanges()
          save({ cursors: [], gaps: [], accounts, settling, notices })
          moved += settling.accounts.length
          trimmed += settling.done === undefined ? 0 : 1
        }
        book = open()
        for (const [at, state] of truth) expect(book.get(`did:plc:${at}`)).toEqual(state)
        db.close()
      }),
      { numRuns: 25 },
    )
    expect(moved).toBeGreaterThan(500)
    expect(trimmed).toBeGreaterThan(20)
  })

  it('keeps the journal short', () => {
    const db = openDatabase(':memory:')
    createProgressTables(db)
    const save = db.transaction(prepareSaveProgress(db))
    const book = new AccountBook(prepareReadProgress(db), { generationAccounts: 100 })
    const journalled = db.prepare<[], { rows: number }>('SELECT count(*) AS rows FROM upstream_journal')
    let longest = 0
    for (let i = 0; i < 2_000; i++) {
      for (let j = 0; j < 5; j++) book.set(`did:plc:${(i * 5 + j) % 1000}`, stateAt(`${i}`))
      save({ cursors: [], gaps: [], ...book.takeChanges() })
      longest = Math.max(longest, journalled.get()!.rows)
    }
    // A generation of 100 accounts is 20 batches; two of them, and those in which the first settles.
    expect(longest).toBeLessThan(50)
    db.close()
  })

  it('asks for what is in the journal no more than for what it remembers', () => {
    const progress = createMemoryProgress()
    const asked: string[] = []
    const book = new AccountBook({
      ...progress,
      journal: () => ({ generation: 3, accounts: [{ did: 'did:plc:a', ...stateAt('9') }] }),
      account(did) {
        asked.push(did)
        return undefined
      },
    })
    forget(book)
    asked.length = 0
    expect(book.get('did:plc:a').rev).toBe('9')
    expect(asked).toEqual([])
    book.set('did:plc:b', stateAt('1'))
    expect(book.takeChanges().settling.generation).toBe(3)
  })
})

it('fingerprints are short, and differ', () => {
  const prints = [fingerprint('a', 'b'), fingerprint('a', 'c'), fingerprint('ab')]
  expect(new Set(prints).size).toBe(3)
  for (const print of prints) expect(print).toMatch(/^[\w-]{16,22}$/)
})
