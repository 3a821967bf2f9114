import { expect, it } from 'vitest'
import { TextTable } from './text-table.ts'

const texts = Array.from({ length: 5_000 }, (_, i) => `at://did:plc:${i % 50}/app.bsky.feed.post/${i}`)

it('has what was added and not removed, through growing and shrinking', () => {
  const table = new TextTable<{ name: string }>()
  const [one, other] = [{ name: 'one' }, { name: 'other' }]
  for (const text of texts) table.add(text, one)
  for (const text of texts.slice(1_000)) table.add(text, other)
  for (const text of texts.slice(2_000)) table.remove(text, one)
  const found = (text: string): string => Array.from(table.get(text), ({ name }) => name).join()
  for (const [i, text] of texts.entries()) {
    expect(found(text)).toBe(i < 1_000 ? 'one' : i < 2_000 ? 'one,other' : 'other')
    expect(found(`${text}x`)).toBe('')
  }
  expect(table.size).toBe(5_000)
  for (const text of texts) {
    table.remove(text, one)
    table.remove(text, other)
  }
  expect(table.size).toBe(0)
  // Again and again, as subscribers come and go: bits that were left behind do not hide anything.
  for (let round = 0; round < 50; round++) {
    const some = texts.slice(round * 100, round * 100 + 100)
    for (const text of some) table.add(text, one)
    expect(some.every(text => found(text) === 'one')).toBe(true)
    for (const text of some) table.remove(text, one)
    expect(some.some(text => found(text) !== '')).toBe(false)
  }
})

it('takes what was added twice for one, and what is not there for nothing', () => {
  const table = new TextTable<{ name: string }>()
  const item = { name: 'item' }
  table.add('', item)
  table.add('', item)
  expect([...table.get('')]).toEqual([item])
  table.remove('other', item)
  table.remove('', { name: 'another' })
  expect([...table.get('')]).toEqual([item])
  table.remove('', item)
  expect([...table.get('')]).toEqual([])
})
