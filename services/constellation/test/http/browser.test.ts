import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../../src/routes/all.ts'
import { did, likes, put, recordKey, subject } from '../../src/store/testing/test-index.ts'
import { type Browser, findBrowser, openBrowser } from './browser.ts'
import { serve, type Served } from './served.ts'

const path = findBrowser()

describe.skipIf(path === undefined)('in a real browser, without scripts', () => {
  let served: Served
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser(path!)
    served = await serve()
    const long = { path: `.${'x'.repeat(300)}`, target: `https://a.example/${'y'.repeat(300)}` }
    await served.apply(
      ...Array.from({ length: 30 }, (_, i) =>
        put(`a${i}`, [subject, long, { path: '.list', target: 'a:b' }]),
      ),
    )
  })
  afterAll(async () => {
    await served[Symbol.asyncDispose]()
    await browser[Symbol.asyncDispose]()
  })

  const { rkey } = recordKey('a1')
  const params = {
    subject,
    source: 'app.bsky.feed.like:subject.uri',
    target: subject,
    collection: likes.collection,
    path: likes.path,
    pathToOther: 'list',
    did: did('a'),
    uri: `at://${did('a')}/app.bsky.feed.like/${rkey}`,
    limit: '10',
  }
  const queryOf = (more: Record<string, string> = {}): string =>
    new URLSearchParams({ ...params, ...more }).toString()

  it.each(['/', ...endpoints.map(endpoint => endpoint.path)])(
    '%s fits a phone and a desk, and breaks no rule of its own',
    async address => {
      for (const width of [400, 1100]) {
        const page = await browser.open(`${served.url}${address}?${queryOf()}`, {
          width,
          dark: width === 400,
        })
        expect(await page.contentWidth()).toBeLessThanOrEqual(width)
        expect(page.complaints).toEqual([])
      }
    },
  )

  it('is walked by its buttons', async () => {
    const page = await browser.open(`${served.url}/links?${queryOf({ did: '' })}`)
    await page.click('form button')
    expect(page.address).toMatch(/^http[^?]*\/links\?target=.*&cursor=[0-9a-f]+$/)
    await page.click('.card form button')
    expect(page.address).not.toContain('cursor')
    await page.click('.links a')
    expect(page.address).toContain('/xrpc/blue.microcosm.links.getBacklinks?')
    expect(page.complaints).toEqual([])
  })
})
