import type { Random } from './random.ts'

/** What an activity can do. */
export const ACTIVITY_KINDS = [
  'like',
  'post',
  'repost',
  'follow',
  'profile',
  'delete',
  'handle',
  'deactivate',
  'reactivate',
  'signup',
  'close',
] as const

/**
 * `profile` replaces a profile record, `delete` deletes a record of the activity, `handle` changes a handle, `signup`
 * makes an account and `close` deletes one that a signup made; the others are what they say.
 */
export type ActivityKind = (typeof ACTIVITY_KINDS)[number]

/** How often each kind comes, relative to the sum. */
export type ActivityMix = Readonly<Record<ActivityKind, number>>

/** About what the public network does, by the number of events; the kinds that are rare there share 3 %. */
export const DEFAULT_MIX: ActivityMix = {
  like: 69,
  post: 12,
  repost: 10,
  follow: 6,
  profile: 1,
  delete: 1.2,
  handle: 0.2,
  deactivate: 0.15,
  reactivate: 0.15,
  signup: 0.15,
  close: 0.15,
}

/** Draws one kind. Takes one number from `random`. */
export function drawKind(random: Random, mix: ActivityMix): ActivityKind {
  const sum = ACTIVITY_KINDS.reduce((total, kind) => total + mix[kind], 0)
  let left = random.next() * sum
  for (const kind of ACTIVITY_KINDS) {
    left -= mix[kind]
    if (left < 0) return kind
  }
  return 'post'
}
