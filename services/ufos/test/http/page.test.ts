import { afterAll, beforeAll, expect, it } from 'vitest'
import { endpoints } from '../../src/routes/all.ts'
import { creates } from '../../src/store/testing/helpers.ts'
import { nowHour, serve, type Served } from './served.ts'

let served: Served
beforeAll(async () => {
  served = await serve()
})
afterAll(() => served[Symbol.asyncDispose]())

async function page() {
  const response = await fetch(served.url)
  return { response, text: await response.text() }
}

it('is there before anything happened', async () => {
  const { response, text } = await page()
  expect(response.status).toBe(200)
  expect(text).toContain('Nothing happened yet')
})

it('shows what the network is made of, in pictures, without scripts or anything of others', async () => {
  await served.apply(
    ...creates('app.bsky.feed.like', 0, 90, nowHour - 5),
    ...creates('x.y.z', 0, 7, nowHour - 30),
  )
  const { response, text } = await page()
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(text).not.toMatch(/<script|javascript:|onload=|https?:\/\/(?!localhost)/)
  // An hour each, and seven days each.
  expect(text.match(/<rect\s+class="tip"/g)).toHaveLength(168)
  expect(text.match(/<rect\s+class="part"/g)).toHaveLength(14)
  expect(text).toContain('href="/timeseries?collection=app.bsky.feed.like&amp;step=day"')
  expect(text.indexOf('feed.<wbr />like')).toBeLessThan(text.indexOf('x.<wbr />y.<wbr />z'))
})

it('has every endpoint with a form whose answer is no error', async () => {
  const { text } = await page()
  for (const { path, params } of endpoints) {
    expect(text).toContain(`<form action="${path}" method="get">`)
    const query = Object.fromEntries(
      params
        .filter(one => one.required || one.name === 'collection')
        .map(({ name, example }) => [name, example]),
    )
    // Nothing of empty fields may be in the way; browsers send them all.
    const empty = params.filter(one => !one.required && one.name !== 'cursor').map(({ name }) => [name, ''])
    const { status } = await served.ask(path, { ...Object.fromEntries(empty), ...query })
    expect([path, status]).toEqual([path, path === '/lexicon' ? 404 : 200])
  }
})
