import { repoErrorCodes } from '@orrery/repo'

/**
 * Why an event, or an operation of one, was not given out. The names are labels of a counter, so the list is closed: the
 * codes of `@orrery/repo`, and these.
 */
export const dropReasons = {
  ...repoErrorCodes,
  frame_too_big: 'A frame exceeds 5 MB.',
  bad_did: 'The account of a message is not a DID.',
  bad_time: 'The time of an identity or account event is not a time.',
  replay: 'The event was given out before: its rev is not above the newest, or its fingerprint is known.',
  account_inactive: 'A commit or #sync of an account that is deactivated, suspended, taken down or deleted.',
  identity_not_found: 'The DID does not exist, or has no valid document.',
  identity_unreachable:
    'The DID document could not be had in time, and the rules are strict, or it is a #sync.',
  no_signing_key: 'The DID document has no atproto key that is understood.',
  verifier_crash: 'Checking the event brought a verifier down, twice.',
  jetstream_bad_message: 'A message of a Jetstream source is not an event.',
} as const

export type DropReason = keyof typeof dropReasons

/** A counter for each reason, all zero. */
export function zeroDrops(): Record<DropReason, number> {
  return Object.fromEntries(Object.keys(dropReasons).map(reason => [reason, 0])) as Record<DropReason, number>
}
