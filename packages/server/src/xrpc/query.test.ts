import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { probeServer } from '../../test/probe-server.ts'
import type { ProbeServer } from '../../test/probe-server.ts'
import { HttpError } from '../http/errors.ts'
import { QueryParams } from './query.ts'

const page = { min: 1, max: 1000, fallback: 100 }

let server: ProbeServer
let read: (query: QueryParams) => unknown
beforeAll(async () => {
  server = await probeServer(app => {
    app.get('/', request => ({ value: read(new QueryParams(request.query)) }))
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** What is read from an address: the value, or the message of the 400. */
async function of(query: string, how: (query: QueryParams) => unknown): Promise<unknown> {
  read = how
  const response = await server.app.inject(`/?${query}`)
  const { value, message } = response.json<{ value?: unknown; message?: string }>()
  expect(response.statusCode).toBe(message === undefined ? 200 : 400)
  return message ?? value
}

function errorOf(attempt: () => unknown): unknown[] {
  try {
    attempt()
    return []
  } catch (error) {
    return [error]
  }
}

describe('QueryParams', () => {
  it.each<readonly [string, unknown]>([
    ['a=b+c%2Bd%26e', 'b c+d&e'],
    ['a=%C3%A9%F0%9F%98%80', 'é😀'],
    ['a=%zz%20', '%zz '],
    ['a=%ff', '\ufffd'],
    ['a=https://x.example/?b=c', 'https://x.example/?b=c'],
    ['a=', ''],
    ['a', ''],
    ['b=1', undefined],
    ['', undefined],
    ['__proto__=1&a=2&constructor=3', '2'],
    ['a=1&a=1', 'Parameter "a" is given more than once'],
  ])('an optional one: %s', async (query, expected) => {
    expect(await of(query, params => params.optional('a'))).toBe(expected)
  })

  it.each<readonly [string, unknown]>([
    ['a=1', '1'],
    ['b=1', 'Parameter "a" is missing'],
    ['a=', 'Parameter "a" is empty'],
    ['a=1&a=', 'Parameter "a" is given more than once'],
  ])('a required one: %s', async (query, expected) => {
    expect(await of(query, params => params.required('a'))).toBe(expected)
  })

  it.each<readonly [string, unknown]>([
    ['a=x&b=1&a=+y%20&a=&a=%20', ['x', 'y']],
    ['a=x', ['x']],
    ['a=', []],
    ['', []],
  ])('a list: %s', async (query, expected) => {
    expect(await of(query, params => params.list('a'))).toEqual(expected)
  })

  it.each<readonly [string, unknown]>([
    ['', 100],
    ['n=1', 1],
    ['n=1000', 1000],
    ['n=007', 7],
    ['n=%2B5', 5],
    ['n=1&n=1', 'Parameter "n" is given more than once'],
    ['n=0', 'Parameter "n" must be from 1 to 1000'],
    ['n=1001', 'Parameter "n" must be from 1 to 1000'],
    ['n=99999999999999999999', 'Parameter "n" must be from 1 to 1000'],
    ...['', '-1', '1.5', '1e3', '0x10', '+5', 'five', '1%00'].map(
      text => [`n=${text}`, 'Parameter "n" must be a whole number'] as const,
    ),
  ])('a whole number: %s', async (query, expected) => {
    expect(await of(query, params => params.integer('n', page))).toBe(expected)
  })

  it.each<readonly [string, unknown]>([
    ['', true],
    ['b=true', true],
    ['b=false', false],
    ['b=true&b=true', 'Parameter "b" is given more than once'],
    ...['1', 'True', '', 'yes'].map(text => [`b=${text}`, 'Parameter "b" must be true or false'] as const),
  ])('a boolean: %s', async (query, expected) => {
    expect(await of(query, params => params.boolean('b', true))).toBe(expected)
  })

  it('throws a 400 of its own for anything, and nothing else', () => {
    const value = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(value, fc.array(value))), query => {
        const params = new QueryParams(query)
        const thrown = [
          () => params.required('a'),
          () => params.list('a'),
          () => params.integer('a', page),
          () => params.boolean('a', false),
        ].flatMap(attempt => errorOf(attempt))
        expect(thrown.filter(error => !(error instanceof HttpError && error.statusCode === 400))).toEqual([])
      }),
    )
  })
})
