import { defaultLimits } from '@orrery/links'

/** What requests may ask for. Beyond it the answer is 400, which says the limit. */
export const limits = {
  /** Items of a page. */
  page: { min: 1, max: 1_000, fallback: 100 },
  /** Accounts to filter by. */
  dids: 1_000,
  /** Other sides of a join to filter by. */
  otherSubjects: 1_000,
  /** Collections to leave out of a list of sources. */
  excluded: 100,
  /** Pairs of target and source to count at once. */
  pairs: 100,
  /** Characters of a subject and of a path: longer ones are not in the index. */
  subject: defaultLimits.maxTargetLength,
  path: defaultLimits.maxPathLength,
} as const
