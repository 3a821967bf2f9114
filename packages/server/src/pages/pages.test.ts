import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { buttonForm, form } from './forms.ts'
import type { Html } from './html.ts'
import { html } from './html.ts'
import { page, pageHeaders } from './layout.ts'
import { bar, formatCount, hrefOf, rawJson, table } from './parts.ts'

/** Markup without the layout of its source. */
const oneLine = ({ text }: Html): string => text.replaceAll(/\s+/g, ' ')

const hostile = '"><script>alert(1)</script>'

describe('page', () => {
  const text = page({ title: hostile, service: 'Test', version: '1.2.3', main: html`<p>hello</p>` })

  it('is allowed its stylesheet and nothing else', () => {
    const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? ''
    const policy = pageHeaders['content-security-policy']
    expect(policy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`)
    expect(policy).toContain("default-src 'none'")
    expect(text).not.toMatch(/<(script|img|iframe|link)\b|\sstyle=|\son\w+=/)
  })

  it('escapes its title', () => {
    expect(text).toContain('<title>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; · Test</title>')
  })
})

describe('parts', () => {
  it('count in thousands', () => {
    expect(formatCount(1234567)).toBe('1,234,567')
  })

  it('make addresses', () => {
    expect(hrefOf('/a', { b: 'c d&e', f: ['1', '2'], g: undefined })).toBe('/a?b=c+d%26e&f=1&f=2')
    expect(hrefOf('/a', {})).toBe('/a')
  })

  it('make tables with escaped cells and titles', () => {
    const { text } = table([{ title: 'a' }, { title: hostile, kind: 'number' }], [[hostile, 1234]])
    expect(text).not.toContain('<script>')
    expect(text).toContain('1,234')
    expect(table([{ title: 'a' }], []).text).toContain('Nothing here.')
  })

  it('draw what is not nothing, and never more than all', () => {
    expect(oneLine(bar({ part: 0, whole: 1, max: 1_000_000 }))).toMatch(/width="0\.60"[^]*width="0"/)
    expect(bar({ part: 5, whole: 9, max: 3 }).text).toMatch(/width="100\.00"[^]*width="100\.00"/)
    expect(bar({ part: 0, whole: 0, max: 0 }).text).toMatch(/width="0"[^]*width="0"/)
  })

  it('fold JSON away, escaped', () => {
    expect(rawJson(JSON.stringify({ a: '</code><script>' })).text).toContain('&lt;/code&gt;&lt;script&gt;')
  })
})

describe('forms', () => {
  it('are filled in with what was given, escaped', () => {
    const text = oneLine(
      form(
        '/ask',
        [
          { name: 'a', label: 'a', kind: 'text', value: hostile, required: true },
          { name: 'b', label: 'b', kind: 'check', value: 'true' },
          { name: 'c', label: 'c', kind: 'number', value: '5', min: 1, max: 9 },
          { name: 'd', label: 'd', kind: 'list', values: ['x', hostile] },
        ],
        'Ask',
      ),
    )
    expect(text).not.toContain('<script>')
    expect(text).toMatch(/name="a" value="&quot;&gt;&lt;script&gt;[^"]*"[^>]* required/)
    expect(text).toMatch(/name="b" value="true" checked/)
    expect(text).toMatch(/type="number" min="1" max="9" name="c" value="5"/)
    expect(text.match(/name="d"/g)).toHaveLength(3)
  })

  it('carry what is not shown, or are disabled', () => {
    expect(oneLine(buttonForm('/ask', [['cursor', hostile]], 'Next'))).toMatch(
      /<input type="hidden" name="cursor" value="&quot;&gt;&lt;script&gt;/,
    )
    expect(buttonForm('/ask', undefined, 'End').text).toContain('<button disabled>')
  })
})
