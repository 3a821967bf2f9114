import { describe, expect, it } from 'vitest'

import { probeServer } from '../../test/probe-server.ts'
import { wantsHtml } from './accept.ts'

function wants(accept: string | undefined, ...more: string[]): boolean {
  const headers = accept === undefined ? {} : { accept: [accept, ...more].join(', ') }
  const headersDistinct = accept === undefined ? {} : { accept: [accept, ...more] }
  return wantsHtml({ headers, headersDistinct })
}

describe('wantsHtml', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['application/*', false],
    ['application/json', false],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['text/html', true],
    ['text/*', true],
    ['TEXT/HTML', true],
    ['application/json, text/html', false],
    ['text/html, application/json', true],
    ['text/html;q=0.5, application/json;q=0.9', false],
    ['text/html;q=0.9, application/json;q=0.5', true],
    ['text/html;q=0', false],
    ['text/html;q=0, */*', false],
    ['text/html;level=1', false],
    ['text/html; level="a,b;c\\"", text/*;q=0.1', true],
    ['image/png', false],
    ['text/*;q=0.5, application/json;q=0.5', true],
    ['*/*, text/html', false],
    ['*/*;q=0.1, text/html', true],
    ['text/html;q=0.2, text/*;q=0.9, application/json;q=0.5', false],
    [', ,text/html,,', true],
    ['text/html ; q=0.5 ;, application/json;q=0.4', true],
  ])('%s: %s', (accept, html) => {
    expect(wants(accept)).toBe(html)
  })

  it('goes by the first of several headers', () => {
    expect(wants('application/json', 'text/html')).toBe(false)
    expect(wants('text/html', 'application/json', 'foo')).toBe(true)
  })

  it.each([
    'foo',
    'text/',
    '/html',
    '*/html',
    'text/html;q=high',
    'text/html;q=1.5',
    'text/html;q',
    'text/html text/css',
    'text/html;a="',
    'text/é',
  ])('refuses %s', accept => {
    expect(() => wants(accept)).toThrow('Accept')
  })

  it('is not held up by a hostile header', () => {
    expect(() => wants(`text/html${'; \t '.repeat(15_000)}x`)).toThrow('Accept')
    expect(() => wants(`${'a/b,'.repeat(15_000)}x`)).toThrow('Accept')
  })

  it('is a 400 in a route', async () => {
    await using server = await probeServer(app => {
      app.get('/either', request => ({ html: wantsHtml(request.raw) }))
    })
    const response = await server.app.inject({ url: '/either', headers: { accept: 'foo' } })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toEqual({
      error: 'InvalidRequest',
      message: 'The Accept header cannot be read: foo',
    })
  })
})
