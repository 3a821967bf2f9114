import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Watermark } from './watermark.ts'

describe('Watermark', () => {
  it('passes what is done, in the order of arrival', () => {
    const watermark = new Watermark()
    expect(watermark.advance()).toBeUndefined()
    const [a, b, c] = [10, 20, 15].map(cursor => watermark.add(cursor, `t${cursor}`))
    b!.done = true
    expect(watermark.advance()).toBeUndefined()
    expect(watermark.oldestOpen).toBe(a)
    a!.done = true
    expect(watermark.advance()).toMatchObject({ cursor: 20, time: 't20' })
    c!.done = true
    // A number that goes back is passed as it comes: what is behind it comes again, which is safe.
    expect(watermark.advance()).toMatchObject({ cursor: 15 })
    expect(watermark.oldestOpen).toBeUndefined()
    expect(watermark.newest).toBe(c)
  })

  it('is the plain thing for any order of completion', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 400 }), steps => {
        const watermark = new Watermark()
        const marks: ReturnType<Watermark['add']>[] = []
        for (const step of steps) {
          if (step > 40) marks.push(watermark.add(marks.length + 1, ''))
          else if (marks.length > 0) marks[step % marks.length]!.done = true
          const firstOpen = marks.findIndex(({ done }) => !done)
          const passed = firstOpen < 0 ? marks.length : firstOpen
          expect(watermark.advance()?.cursor ?? 0).toBe(passed)
          expect(watermark.oldestOpen).toBe(marks[passed])
        }
      }),
    )
  })

  it('keeps little, however long one frame takes', () => {
    const watermark = new Watermark()
    const stuck = watermark.add(1, '')
    for (let i = 2; i <= 200_000; i++) watermark.add(i, '').done = true
    expect(watermark.kept).toBeLessThan(3_000)
    expect(watermark.advance()).toBeUndefined()
    stuck.done = true
    expect(watermark.advance()).toMatchObject({ cursor: 200_000, index: 200_000 })
  })

  it('keeps what is open, and still little besides', () => {
    const watermark = new Watermark()
    const open = []
    for (let i = 1; i <= 200_000; i++) {
      const mark = watermark.add(i, '')
      if (i % 1_000 === 0) open.push(mark)
      else mark.done = true
    }
    expect(watermark.kept).toBeLessThan(3_000)
    for (const [i, mark] of open.entries()) {
      expect(watermark.advance()).toMatchObject({ cursor: (i + 1) * 1_000 - 1 })
      mark.done = true
    }
    expect(watermark.advance()).toMatchObject({ cursor: 200_000 })
  })

  it('keeps little though nobody asks how far it is', () => {
    const watermark = new Watermark()
    for (let i = 1; i <= 200_000; i++) watermark.add(i, '').done = true
    expect(watermark.kept).toBeLessThan(3_000)
    expect(watermark.advance()).toMatchObject({ cursor: 200_000 })
  })
})
