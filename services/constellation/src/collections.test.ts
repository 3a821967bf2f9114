import { loadOptions } from '@orrery/server'
import { expect, it } from 'vitest'
import { chooseCollections } from './collections.ts'
import { constellationOptions } from './options.ts'

it.each([
  [[], [], true, true, true],
  [['app.bsky.feed.like'], [], true, false, false],
  [['app.bsky.feed.*'], [], true, true, false],
  [['app.bsky.feed.*'], ['app.bsky.feed.like'], false, true, false],
  [[], ['app.bsky.*'], false, false, true],
  [['app.bsky.fee'], [], false, false, false],
])('takes %j without %j', (wanted, skipped, like, post, other) => {
  const wants = chooseCollections(wanted, skipped)
  expect(['app.bsky.feed.like', 'app.bsky.feed.post', 'app.bskyx.feed.like'].map(wants)).toEqual([
    like,
    post,
    other,
  ])
})

it.each(['--collections', '--skip-collections'])(
  '%s takes NSIDs and namespaces, and says what is neither',
  flag => {
    const load = (...patterns: string[]) =>
      loadOptions(constellationOptions, { argv: patterns.map(pattern => `${flag}=${pattern}`), env: {} })
    for (const pattern of ['likes', '*', 'app.*.like', 'app.bsky.feed.', '']) {
      expect(() => load('app.bsky.feed.like', pattern)).toThrow(flag)
    }
    expect(load('app.bsky.feed.like', 'app.bsky.graph.*', 'com.example.*')).toHaveProperty('options')
  },
)
