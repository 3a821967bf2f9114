import type { Random } from '../activity/random.ts'
import { postRecord, profileRecord, someWords } from '../activity/records.ts'

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

/** The share of commits that hold more than one operation. */
export const severalShare = 0.015

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

/**
 * A record of a collection, with the fields that the network's have and of about their size. `pickTarget` chooses what it
 * refers to, anew with each call.
 */
export function makeRecord(
  collection: SimulatedCollection,
  random: Random,
  pickTarget: () => Target,
  createdAt: string,
): Record<string, unknown> {
  switch (collection) {
    case 'app.bsky.feed.post':
      return { $type: collection, langs: ['en'], createdAt, ...makePost(random, pickTarget) }
    case 'app.bsky.feed.like':
      return { $type: collection, subject: refTo(pickTarget()), createdAt, ...via(random, 0.17, pickTarget) }
    case 'app.bsky.feed.repost':
      return { $type: collection, subject: refTo(pickTarget()), createdAt, ...via(random, 0.4, pickTarget) }
    case 'app.bsky.graph.follow':
    case 'app.bsky.graph.block':
      return { $type: collection, subject: pickTarget().did, createdAt }
    case 'app.bsky.actor.profile':
      return {
        $type: collection,
        createdAt,
        ...profileRecord(random, `Someone ${random.below(1_000)}`),
        avatar: blob(random, 100_000),
      }
    case 'fm.teal.alpha.actor.status':
      return {
        $type: collection,
        time: createdAt,
        expiry: createdAt,
        item: {
          trackName: someWords(random, 1 + random.below(4)),
          artists: [{ artistName: someWords(random, 2) }],
          releaseName: someWords(random, 1 + random.below(4)),
          playedTime: createdAt,
          duration: 120 + random.below(300),
          submissionClientAgent: 'scrobbler/0.14.1',
        },
      }
  }
}

/** Where somebody met what they liked or passed on: in most cases not kept, else in another one's repost. */
function via(random: Random, share: number, pickTarget: () => Target): object {
  if (random.next() >= share) return {}
  const { uri, cid } = pickTarget()
  return { via: { cid, uri: uri.replace('feed.post', 'feed.repost') } }
}

function refTo({ cid, uri }: Target): { cid: string; uri: string } {
  return { cid, uri }
}

/** Text of a few words or of many; half of all posts answer another one, a quarter shows a picture or a link. */
function makePost(random: Random, pickTarget: () => Target): object {
  const other = pickTarget()
  const { text, extra } = postRecord(random, {
    other: undefined,
    mention: { did: other.did, handle: 'someone.test' },
  })
  const more = someWords(random, Math.floor(random.next() ** 2 * 40))
  const dice = random.next()
  const said = { text: more === '' ? text : `${text} ${more}`, ...extra }
  if (dice < 0.5) {
    const root = refTo(other)
    return { ...said, reply: { parent: random.next() < 0.6 ? root : refTo(pickTarget()), root } }
  }
  if (dice < 0.65) {
    const image = { alt: '', aspectRatio: { height: 1500, width: 2000 }, image: blob(random, 900_000) }
    return { ...said, embed: { $type: 'app.bsky.embed.images', images: [image] } }
  }
  if (dice < 0.75) {
    const external = {
      uri: `https://example.com/news/${random.below(100_000)}`,
      title: someWords(random, 8),
      description: someWords(random, 10),
      thumb: blob(random, 200_000),
    }
    return { ...said, embed: { $type: 'app.bsky.embed.external', external } }
  }
  if (dice < 0.82) return { ...said, embed: { $type: 'app.bsky.embed.record', record: refTo(other) } }
  return said
}

/** A blob that was never uploaded; its CID is well-formed. */
function blob(random: Random, maxSize: number): object {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'
  // Five bits a letter: the first shares its letter with what comes before the hash, the last has three to itself.
  const hash = Array.from({ length: 50 }, () => letters[random.below(32)]).join('')
  const $link = `bafkrei${letters[random.below(8)]}${hash}${letters[random.below(8) * 4]}`
  return {
    $type: 'blob',
    ref: { $link },
    mimeType: 'image/jpeg',
    size: 1_000 + random.below(maxSize),
  }
}
