import { describe, expect, it } from 'vitest'

import { documentText, parseRetryAfter } from './http-document.ts'

const did = 'did:web:example.com'
const text = (
  status: number,
  body: string | Uint8Array = '{}',
  headers: Record<string, string> = {},
): string => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return documentText(did, { status, headers, bytes, url: 'https://example.com/' }, 0)
}

describe('documentText', () => {
  it('is the body of a 200', () => {
    expect(text(200, '{"a":"ä"}')).toBe('{"a":"ä"}')
    expect(text(200, '\uFEFF{}')).toBe('{}')
  })

  it.each([
    [404, 'not_found', false],
    [410, 'tombstoned', false],
    [401, 'http_error', false],
    [403, 'http_error', false],
    [204, 'http_error', false],
    [408, 'http_error', true],
    [429, 'http_error', true],
    [500, 'http_error', true],
    [503, 'http_error', true],
  ])('is for status %i the error %s, retryable %s', (status, code, retryable) => {
    expect(() => text(status)).toThrow(expect.objectContaining({ code, status, retryable, did }))
  })

  it('is an error for what is not UTF-8', () => {
    expect(() => text(200, Buffer.of(0x22, 0xff, 0x22))).toThrow(
      expect.objectContaining({ code: 'invalid_document' }),
    )
  })

  it('passes on how long to wait', () => {
    expect(() => text(429, '', { 'retry-after': '7' })).toThrow(
      expect.objectContaining({ retryAfterMs: 7_000 }),
    )
  })
})

describe('parseRetryAfter', () => {
  const now = Date.UTC(2026, 0, 1)
  it.each([
    ['120', 120_000],
    ['0', undefined],
    ['-5', undefined],
    ['99999999999999', 3_600_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('makes of %s %s', (value, ms) => expect(parseRetryAfter(value, now)).toBe(ms))
})
