import { describe, expect, it } from 'vitest'
import { Recent } from './recent.ts'

describe('what was used lately', () => {
  it('is remembered, and no more than the size of it', () => {
    const recent = new Recent<string, number>(4)
    for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) recent.set(key, i)
    expect(['c', 'd'].map(key => recent.get(key))).toEqual([2, 3])
    const many = new Recent<number, number>(10)
    for (let i = 0; i < 1_000; i++) many.set(i, i)
    const known = Array.from({ length: 1_000 }, (_, i) => i).filter(i => many.get(i) !== undefined)
    expect(known.length).toBeLessThanOrEqual(10)
    expect(known.at(-1)).toBe(999)
  })

  it('stays as long as it is asked for', () => {
    const recent = new Recent<string, number>(10)
    recent.set('a', 1)
    for (let i = 0; i < 100; i++) {
      recent.set(`other ${i}`, i)
      expect(recent.get('a')).toBe(1)
    }
  })

  it('is the newest value of a key', () => {
    const recent = new Recent<string, number>(2)
    recent.set('a', 1)
    recent.set('b', 2)
    recent.set('a', 3)
    expect(recent.get('a')).toBe(3)
  })

  it('can be forgotten', () => {
    const recent = new Recent<string, number>(4)
    recent.set('a', 1)
    recent.set('b', 2)
    recent.set('c', 3)
    recent.clear()
    expect(['a', 'b', 'c'].map(key => recent.get(key))).toEqual([undefined, undefined, undefined])
  })
})
