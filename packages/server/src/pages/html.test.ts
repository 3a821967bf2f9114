import { describe, expect, it } from 'vitest'

import { breakable } from './parts.ts'
import { escapeHtml, html, isWebAddress, markup } from './html.ts'

const hostile = `</p><script>alert("1")</script>&amp;'\``

describe('html', () => {
  it('escapes every value, in text and in attributes', () => {
    expect(html`<p title="${hostile}">${hostile}</p>`.text).toBe(
      '<p title="&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;&#96;">' +
        '&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;&#96;</p>',
    )
  })

  it('takes markup as it is, however deep in lists, and escapes what is between', () => {
    const items = ['<1>', ['<2>', html`<b>${'<3>'}</b>`]]
    expect(html`${items}${markup('<hr>')}`.text).toBe('&lt;1&gt;&lt;2&gt;<b>&lt;3&gt;</b><hr>')
  })

  it('leaves out what is absent, and shows zero and empty text', () => {
    expect(html`[${undefined}${null}${false}${0}${''}${[]}]`.text).toBe('[0]')
  })

  it('does not take objects that look like markup for markup', () => {
    const forged = JSON.parse('{"text":"<script>"}') as never
    expect(() => html`${forged}`).toThrow(TypeError)
  })
})

describe('escapeHtml', () => {
  it('leaves other text alone', () => {
    expect(escapeHtml('at://did:plc:a/b.c/d é 漢 \u202e')).toBe('at://did:plc:a/b.c/d é 漢 \u202e')
  })
})

describe('breakable', () => {
  it('offers a break behind separators, and escapes the rest', () => {
    expect(breakable('at://a.b/<c>').text).toBe('at://<wbr />a.<wbr />b/<wbr />&lt;c&gt;')
  })
})

describe('isWebAddress', () => {
  it.each([
    ['https://a.example/x', true],
    ['HTTP://a', true],
    ['http:/a', false],
    ['https://', false],
    ['https:///path', false],
    ['javascript:alert(1)//https://a', false],
    [' https://a', false],
    ['data:text/html,https://a', false],
    ['at://did:plc:a', false],
  ])('%s: %s', (text, is) => {
    expect(isWebAddress(text)).toBe(is)
  })
})
