import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { gistOf, parseLogLine, showLine } from './log-line.ts'

const at = new Date(2026, 10, 21, 9, 8, 7)

function shown(line: object, withDate = false): string {
  const parsed = parseLogLine(JSON.stringify({ level: 'info', time: at.toISOString(), name: 'x', ...line }))
  return stripVTControlCharacters(showLine('jetstream', parsed!, withDate))
}

describe('a line of the log', () => {
  it('tells when, who and what', () => {
    expect(shown({ msg: 'serving', url: 'http://a', pid: 1, hostname: 'h' })).toBe(
      '09:08:07  jetstream      serving  url=http://a',
    )
    expect(shown({ msg: 'slow', level: 'warn', ms: 5 }, true)).toBe(
      '2026-11-21 09:08:07  jetstream      warn   slow  ms=5',
    )
  })

  it('tells what went wrong, with the place in the code only where the service ends with it', () => {
    const err = { message: 'no room', stack: 'Error: no room\n    at write (a.ts:1)\n    at b.ts:2' }
    expect(shown({ msg: 'failed', level: 'error', err })).toBe(
      '09:08:07  jetstream      error  failed: no room',
    )
    expect(shown({ msg: 'failed', level: 'fatal', err })).toBe(
      '09:08:07  jetstream      fatal  failed: no room\n    at write (a.ts:1)\n    at b.ts:2',
    )
  })

  it('leaves the options of a start out, and cuts what is long', () => {
    expect(shown({ msg: 'starting', version: '1', options: { a: 1 } })).toBe(
      '09:08:07  jetstream      starting  version=1',
    )
    expect(shown({ msg: 'x', long: 'y'.repeat(10_000) }).length).toBeLessThan(400)
    expect(gistOf(parseLogLine(JSON.stringify({ level: 'error', msg: 'y'.repeat(10_000) }))!)).toHaveLength(
      300,
    )
  })

  it('is nothing but a whole line of the log', () => {
    for (const text of ['', 'hello', '{"level":"info"', '{"level":"loud","msg":"x"}', '{"a":1}', '[]'])
      expect(parseLogLine(text)).toBeUndefined()
  })
})
