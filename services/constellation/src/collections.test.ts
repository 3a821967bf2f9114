import { expect, it } from 'vitest'
import { chooseCollections } from './collections.ts'

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
