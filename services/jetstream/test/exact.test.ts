import { expect, it } from 'vitest'
import { type Asked, faultOf } from './support/exact.ts'
import type { Logged } from './support/logged.ts'
import { everything, type Wanted } from './support/wanted.ts'

// The comparison that other tests stand on: it finds what is wrong, and nothing in what is right.

const from = 1_800_000_000_000_000
const log = Array.from({ length: 12 }, (_, i): Logged => {
  const did = `did:plc:${i % 2 === 0 ? 'even' : 'odd'}`
  const timeUs = from + i
  return {
    line: `{"did":"${did}","time_us":${timeUs},"kind":"account"}`,
    timeUs,
    did,
    kind: 'account',
    collection: '',
    name: `${did} account true`,
  }
})
const even: Wanted = { ...everything, dids: ['did:plc:even'] }
const odd: Wanted = { ...everything, dids: ['did:plc:odd'] }

function faultIn(indices: readonly number[], asked: readonly Asked[], toTheEnd = true): string | undefined {
  return faultOf(log, { lines: indices.map(i => log[i]!.line), asked, toTheEnd })
}

const whole: Asked[] = [{ wanted: everything, from: 3, by: 3 }]
/** Begins anywhere from 2 to 5, and changes anywhere from 6 to 8. */
const changing: Asked[] = [
  { wanted: even, from: 2, by: 5 },
  { wanted: odd, from: 6, by: 8 },
]

it.each<[name: string, indices: number[], asked: Asked[]]>([
  ['all of it', [3, 4, 5, 6, 7, 8, 9, 10, 11], whole],
  ['the earliest beginning and change', [2, 4, 7, 9, 11], changing],
  ['the latest beginning and change', [6, 9, 11], changing],
  ['a change between two that neither wants', [4, 6, 7, 9, 11], changing],
])('finds nothing wrong in %s', (_name, indices, asked) => {
  expect(faultIn(indices, asked)).toBeUndefined()
})

it.each<[name: string, indices: number[], asked: Asked[], fault: RegExp]>([
  ['a loss', [3, 4, 6, 7, 8, 9, 10, 11], whole, /event 5 of 12 is wanted and was not received/],
  ['a loss at the beginning', [4, 5, 6, 7, 8, 9, 10, 11], whole, /event 3 of 12 is wanted and was not/],
  ['a loss at the end', [3, 4, 5, 6, 7, 8, 9, 10], whole, /event 11 of 12 is wanted and was not/],
  ['nothing at all', [], whole, /event 3 of 12 is wanted/],
  ['what lies before the beginning', [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], whole, /event 2 of 12 was received/],
  ['a double', [3, 4, 4, 5, 6, 7, 8, 9, 10, 11], whole, /message 2 comes twice/],
  ['a step back', [3, 5, 4, 6, 7, 8, 9, 10, 11], whole, /message 2 is behind/],
  ['a change that comes too early', [2, 4, 5, 7, 9, 11], changing, /event 5 of 12 was received/],
  ['a change that comes too late', [2, 4, 6, 8, 9, 11], changing, /event 8 of 12 was received/],
  ['a change back', [2, 4, 7, 8, 9, 11], changing, /event 8 of 12 was received and is not wanted/],
  ['a beginning that is too late', [7, 9, 11], [{ wanted: odd, from: 2, by: 5 }], /event 5 of 12 is wanted/],
])('finds %s', (_name, indices, asked, fault) => {
  expect(faultIn(indices, asked)).toMatch(fault)
})

it('does not ask for what comes behind a cut', () => {
  expect(faultIn([3, 4, 5], whole, false)).toBeUndefined()
  expect(faultIn([3, 5], whole, false)).toMatch(/event 4 of 12 is wanted/)
})

it('compares bytes', () => {
  const lines = log.slice(3).map(({ line }) => line)
  lines[2] = lines[2]!.replace('account', 'Account')
  expect(faultOf(log, { lines, asked: whole, toTheEnd: true })).toMatch(/message 2 is not in the log/)
})
