import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../../src/routes/all.ts'
import { did, hide, likes, put, recordKey, subject } from '../../src/store/testing/test-index.ts'
import { serve, type Served } from './served.ts'

const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\'`&amp;'
const evil = { collection: 'com.example.evil' }
const asked = { subject, source: 'app.bsky.feed.like:subject.uri' }
const xrpc = (name: string): string => `/xrpc/blue.microcosm.links.${name}`

let served: Served
beforeAll(async () => {
  served = await serve()
  const likers = Array.from({ length: 1_234 }, (_, i) => put(`a${i}`))
  await served.apply(
    ...likers,
    put(
      'b1',
      [
        { path: `.${hostile}`, target: subject },
        { path: '.x', target: 'javascript:alert(1)' },
        { path: '.y', target: 'https://a.example/?a=1&b=%22' },
        { path: '.z', target: 'data:text/html,<script>alert(1)</script>' },
      ],
      evil,
    ),
  )
})
afterAll(() => served[Symbol.asyncDispose]())

/** What a page holds besides text: tags with their attributes, as a browser would read them. */
function tagsOf(page: string): { name: string; attributes: Record<string, string> }[] {
  const unescape = (value: string): string =>
    value
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&#96;', '`')
      .replaceAll('&amp;', '&')
  return Array.from(
    page.matchAll(/<([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*\/?>/g),
    ([, name, rest]) => ({
      name: name!,
      attributes: Object.fromEntries(
        Array.from(rest!.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g), ([, key, value = '']) => [
          key!,
          unescape(value),
        ]),
      ),
    }),
  )
}

/** The parameters that a form of the page would send. */
function formOf(page: string, has: string): URLSearchParams {
  const form = page.match(/<form[^]*?<\/form>/g)?.find(text => text.includes(has)) ?? ''
  const query = new URLSearchParams()
  for (const { name, attributes } of tagsOf(form)) {
    if (name === 'input' && (attributes.type !== 'checkbox' || 'checked' in attributes))
      query.append(attributes.name!, attributes.value!)
  }
  return query
}

describe('every page', () => {
  it.each(endpoints.map(({ path }) => path))(
    '%s stands by itself and lets no text of others be markup',
    async path => {
      const params = {
        ...asked,
        target: subject,
        collection: likes.collection,
        path: likes.path,
        pathToOther: hostile,
        otherSubject: hostile,
        did: path === '/links/account' ? subject.slice(5, subject.indexOf('/app')) : [],
        uri: `at://${did('b')}/com.example.evil/${recordKey('b1').rkey}`,
      }
      for (const given of [
        params,
        {
          ...params,
          subject: hostile,
          target: hostile,
          source: `com.example.evil:${hostile}`,
          path: hostile,
        },
      ]) {
        const response = await served.fetch(path, given, { headers: { accept: 'text/html' } })
        const page = await response.text()
        expect([response.status, page.slice(0, 15)]).toEqual([200, '<!doctype html>'])
        expect(response.headers.get('content-security-policy')).toMatch(
          /^default-src 'none'; style-src 'sha256-/,
        )
        expect(response.headers.get('referrer-policy')).toBe('no-referrer')
        expect(page).not.toMatch(/<script|<img/i)
        // Whatever begins a tag is one that was understood above.
        expect(tagsOf(page)).toHaveLength(page.match(/<[a-z]/g)!.length)
        for (const { name, attributes } of tagsOf(page)) {
          expect(['script', 'img', 'link', 'iframe', 'object', 'base']).not.toContain(name)
          expect(Object.keys(attributes).filter(key => /^(on|style$)/.test(key))).toEqual([])
          expect(attributes.href ?? '/').toMatch(/^(\/|https:\/\/(pdsls\.dev|a\.example)\/)/)
          expect(attributes.action ?? '/').toMatch(/^\//)
        }
      }
    },
  )

  it.each(endpoints.map(({ path, params }) => [path, params] as const))(
    '%s has a form with all its parameters, filled in',
    async (path, own) => {
      const given: Record<string, string | string[]> = {
        ...asked,
        target: subject,
        collection: likes.collection,
        path: likes.path,
        pathToOther: 'a b&c',
        limit: '7',
        did: did('a'),
        linkDid: [did('a'), did('b')],
        uri: `at://${did('b')}/com.example.evil/x`,
      }
      const form = formOf(await served.page(path, given), '<button>Ask')
      for (const { name, kind } of own.filter(param => param.name !== 'cursor' && param.kind !== 'check')) {
        const expected = [given[name] ?? ''].flat()
        const values = form.getAll(name).filter(value => kind !== 'list' || value !== '')
        expect([name, values]).toEqual([
          name,
          kind === 'list' ? expected.filter(value => value !== '') : expected,
        ])
      }
      // What an untouched form sends is answered: also its empty fields.
      expect((await fetch(`${served.url}${path}?${form.toString()}`)).status).toBe(200)
    },
  )
})

describe('a list', () => {
  it('shows numbers with separators, records with links out, and the way to all else', async () => {
    const page = await served.page(xrpc('getBacklinks'), asked)
    expect(page).toContain('1,234')
    const { did: of, collection, rkey } = recordKey('a1233')
    const hrefs = tagsOf(page).map(({ attributes }) => attributes.href)
    expect(hrefs).toContain(`https://pdsls.dev/at://${of}/${collection}/${rkey}`)
    expect(hrefs).toContain(
      `/links/forward?${new URLSearchParams({ uri: `at://${of}/${collection}/${rkey}` }).toString()}`,
    )
    for (const name of ['getBacklinks', 'getBacklinkDids', 'getBacklinksCount']) {
      expect(hrefs).toContain(`${xrpc(name)}?${new URLSearchParams(asked).toString()}`)
    }
    expect(hrefs).toContain(`/links/sources?${new URLSearchParams({ target: subject }).toString()}`)
    expect(page).toMatch(/<details>\s*<summary>The same as JSON<\/summary>\s*<pre><code>\{/)
  })

  it('leads on by its button, page by page to the end', async () => {
    let query = new URLSearchParams({ ...asked, limit: '500', reverse: 'true', unknown: 'x' })
    const pages: number[] = []
    for (;;) {
      const response = await fetch(`${served.url}${xrpc('getBacklinks')}?${query.toString()}`, {
        headers: { accept: 'text/html' },
      })
      const page = await response.text()
      expect(response.status).toBe(200)
      pages.push(page.match(/pdsls\.dev\/at:\/\/[^"]*app\.bsky\.feed\.like/g)!.length)
      if (/<button disabled>\s*The end/.test(page)) break
      query = formOf(page, 'Next page')
      expect([...query.keys()]).toEqual(['subject', 'source', 'limit', 'reverse', 'cursor'])
    }
    expect(pages).toEqual([500, 500, 234])
  })

  it('keeps every filter of a join on the way', async () => {
    await using own = await serve()
    const both = (name: string) => [
      { path: likes.path, target: subject },
      { path: '.list', target: `a:${name}` },
    ]
    await own.apply(put('a1', both('x')), put('a2', both('y')), put('b1', both('y')))
    const params = {
      ...asked,
      pathToOther: 'list',
      linkDid: [did('a'), did('c')],
      otherSubject: ['a:x', 'a:y'],
      limit: '1',
    }
    const query = formOf(await own.page(xrpc('getManyToMany'), params), 'Next page')
    expect(query.getAll('linkDid')).toEqual([did('a'), did('c')])
    expect(query.getAll('otherSubject')).toEqual(['a:x', 'a:y'])
    const next = await own.json<{ items: unknown[] }>(
      xrpc('getManyToMany'),
      Object.fromEntries([...query.keys()].map(key => [key, query.getAll(key)])),
    )
    expect(next.items).toHaveLength(1)
  })

  it('says why a page is empty before the end', async () => {
    await using own = await serve()
    await own.apply(put('a1'), hide('a'))
    expect(await own.page(xrpc('getBacklinks'), asked)).toContain('Nothing to show.')
  })
})

describe('sources', () => {
  it('are drawn to scale, each with its list', async () => {
    const page = await served.page('/links/sources', { target: subject })
    expect(page).toMatch(/class="rest" width="100\.00"/)
    expect(page).toMatch(/class="part" width="0\.60"/)
    expect(tagsOf(page).map(({ attributes }) => attributes.href)).toContain(
      `${xrpc('getBacklinks')}?${new URLSearchParams(asked).toString()}`,
    )
  })
})

describe('what a record links to', () => {
  it('leads out to web addresses only', async () => {
    const page = await served.page('/links/forward', {
      uri: `at://${did('b')}/com.example.evil/${recordKey('b1').rkey}`,
    })
    const hrefs = tagsOf(page).map(({ attributes }) => attributes.href ?? '')
    expect(hrefs).toContain('https://a.example/?a=1&b=%22')
    expect(hrefs.filter(href => /^(javascript|data):/i.test(href))).toEqual([])
    expect(page).toContain('javascript:<wbr />alert(1)')
  })
})

describe('the home page', () => {
  it('shows the numbers, every endpoint with its parameters and a form, and what is missing', async () => {
    const gaps = [
      {
        source: `wss://${hostile}`,
        from: '2026-01-01T00:00:00Z',
        to: '2026-01-02T00:00:00Z',
        reason: 'outdated_cursor' as const,
      },
    ]
    await using own = await serve({ gaps: () => gaps, reader: served.store.reader })
    const page = await own.page('/')
    expect(page).toContain('1,235')
    const actions = tagsOf(page)
      .filter(({ name }) => name === 'form')
      .map(({ attributes }) => attributes.action)
    expect(actions).toEqual(['/links/sources', ...endpoints.map(({ path }) => path)])
    for (const { params } of endpoints)
      for (const { name } of params) expect(page).toMatch(new RegExp(`<code>${name}</code\\s*>`))
    expect(page).toContain('POST /links/counts')
    expect(page).toContain('outdated cursor')
    expect(page).not.toMatch(/<script|<img/)
  })
})

it('are bounded where the answer is not: a stranger makes thousands of sources with one record', async () => {
  const target = 'https://many.example/'
  const links = Array.from({ length: 2_500 }, (_, i) => ({ path: `.${i}`, target }))
  await served.apply(put('m1', links, evil))
  const uri = `at://${did('m')}/${evil.collection}/${recordKey('m1').rkey}`
  for (const [path, params] of [
    ['/links/all', { target }],
    ['/links/all/count', { target }],
    ['/links/forward', { uri }],
  ] as const) {
    const page = await served.page(path, params)
    expect(tagsOf(page).filter(({ name }) => name === 'tr')).toHaveLength(1_001)
    expect(page).toContain('The first 1,000 of 2,500.')
  }
  const { links: all } = await served.json<{ links: Record<string, object> }>('/links/all', { target })
  expect(Object.keys(all[evil.collection]!)).toHaveLength(2_500)
})
