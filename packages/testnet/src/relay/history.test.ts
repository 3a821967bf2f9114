import { describe, expect, it } from 'vitest'
import { History } from './history.ts'

function historyOf(seqs: readonly number[], maxEntries = 100): History {
  const history = new History(maxEntries)
  for (const seq of seqs) history.add({ seq, bytes: Uint8Array.of(seq) })
  return history
}

const from = (history: History, position: number): number | undefined => history.at(position)?.seq

describe('History', () => {
  it('finds where a cursor goes on, by both conventions and across gaps', () => {
    const history = historyOf([10, 12, 20])
    expect(from(history, history.positionAfter(12, '>'))).toBe(20)
    expect(from(history, history.positionAfter(12, '>='))).toBe(12)
    expect(from(history, history.positionAfter(13, '>'))).toBe(20)
    expect(from(history, history.positionAfter(13, '>='))).toBe(20)
    expect(from(history, history.positionAfter(0, '>'))).toBe(10)
    expect(history.positionAfter(20, '>')).toBe(history.end)
  })

  it('keeps the newest, and positions stay right', () => {
    const history = historyOf([1, 2, 3, 4], 2)
    expect([history.start, history.end, history.latest]).toEqual([2, 4, 4])
    expect(from(history, 1)).toBeUndefined()
    expect(from(history, 2)).toBe(3)
  })

  it('knows which cursors lack what was dropped', () => {
    const history = historyOf([10, 20, 30])
    expect(history.isOutdated(5, '>')).toBe(false)
    history.forgetBefore(30)
    expect(history.isOutdated(19, '>')).toBe(true)
    expect(history.isOutdated(20, '>')).toBe(false)
    expect(history.isOutdated(20, '>=')).toBe(true)
    expect(history.isOutdated(21, '>=')).toBe(false)
  })
})
