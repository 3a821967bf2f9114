import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { probeServer } from '../../test/probe-server.ts'
import { parseQuery } from './query-string.ts'

/** What the platform's own parser makes of it, in the same shape. */
function oracle(text: string): object {
  const query = Object.create(null) as Record<string, string | string[]>
  // A "?" in front would be taken away.
  for (const [name, values] of Map.groupBy(new URLSearchParams(`&${text}`), ([own]) => own)) {
    query[name] = values.length === 1 ? values[0]![1] : values.map(([, value]) => value)
  }
  return query
}

describe('parseQuery', () => {
  it('reads what URLSearchParams reads', () => {
    const escapes = [
      '%',
      '%2',
      '%20',
      '%c3%A9',
      '%ff',
      '%00',
      '%EF%BB%BF',
      '%F0%9F%98%80',
      '%ED%A0%80',
      '%gg',
      '%2B',
    ]
    const piece = fc.oneof(
      fc.constantFrom('&', '=', '+', '?', '#', ';', 'a', 'é', '__proto__', ...escapes),
      fc.string({ unit: 'binary' }).map(text => text.toWellFormed()),
    )
    fc.assert(
      fc.property(fc.array(piece), pieces => {
        const text = pieces.join('')
        expect(parseQuery(text)).toEqual(oracle(text))
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes a long query in its stride', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `did=did%3Aplc%3A${i}`).join('&')
    expect(parseQuery(many)['did']).toHaveLength(10_000)
    expect(parseQuery('&'.repeat(60_000))).toEqual(parseQuery(''))
  })

  it('is what routes see', async () => {
    await using server = await probeServer(app => {
      app.get('/', request => request.query)
    })
    const response = await server.app.inject('/?a=%ff&b=1&b=x+y&c&__proto__=1')
    expect(response.body).toBe('{"a":"\ufffd","b":["1","x y"],"c":"","__proto__":"1"}')
  })
})
