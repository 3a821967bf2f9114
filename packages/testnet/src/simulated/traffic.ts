import type { Random } from '../activity/random.ts'
import { postRecord } from '../activity/records.ts'

/** What a simulated account does, by its share of all operations. Measured on the network's traffic. */
export const trafficShares = {
  'app.bsky.feed.like': 0.69,
  'app.bsky.feed.post': 0.12,
  'app.bsky.feed.repost': 0.1,
  'app.bsky.graph.follow': 0.06,
  'app.bsky.graph.block': 0.015,
  'app.bsky.actor.profile': 0.005,
  'fm.teal.alpha.actor.status': 0.01,
} as const

export type SimulatedCollection = keyof typeof trafficShares

/** The share of operations that delete. */
export const deleteShare = 0.03

/** Something that can be liked or answered. */
export interface Target {
  did: string
  uri: string
  cid: string
}

/** Chooses a collection by its share. */
export function pickCollection(random: Random): SimulatedCollection {
  let left = random.next()
  for (const [collection, share] of Object.entries(trafficShares)) {
    left -= share
    if (left < 0) return collection as SimulatedCollection
  }
  return 'app.bsky.feed.like'
}

/** A record of a collection, of about the size that the network's have. */
export function makeRecord(
  collection: SimulatedCollection,
  random: Random,
  target: Target,
  createdAt: string,
): Record<string, unknown> {
  const subject = { cid: target.cid, uri: target.uri }
  switch (collection) {
    case 'app.bsky.feed.post': {
      const { text, extra } = postRecord(random, {
        other: subject,
        mention: { did: target.did, handle: 'someone.test' },
      })
      return { $type: collection, text, langs: ['en'], createdAt, ...extra }
    }
    case 'app.bsky.feed.like':
    case 'app.bsky.feed.repost':
      return { $type: collection, subject, createdAt }
    case 'app.bsky.graph.follow':
    case 'app.bsky.graph.block':
      return { $type: collection, subject: target.did, createdAt }
    case 'app.bsky.actor.profile':
      return {
        $type: collection,
        displayName: `Someone ${random.below(1_000)}`,
        description: 'x'.repeat(random.below(200)),
      }
    case 'fm.teal.alpha.actor.status':
      return {
        $type: collection,
        time: createdAt,
        expiry: createdAt,
        item: {
          trackName: `Track ${random.below(5_000)}`,
          artists: [{ artistName: `Artist ${random.below(500)}` }],
        },
      }
  }
}
