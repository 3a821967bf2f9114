import type { CommitEvent } from '@orrery/firehose'
import { createLoadOperations } from '@orrery/testnet'
import { createChangeMaker, zeroChangeStats } from '../src/changes.ts'
import { type LinkEntry, modes } from '../src/entry.ts'
import type { Change } from '../src/store.ts'
import { formatSource } from '@orrery/links'

/** Commits as they come off a firehose: one operation each, in the network's shares and sizes. */
export function makeCommits(count: number, seed = 1): CommitEvent[] {
  const next = createLoadOperations({ seed })
  return Array.from({ length: count }, (_, seq): CommitEvent => {
    const { did, rev, ...op } = next()
    return {
      kind: 'commit',
      did,
      time: '',
      seq,
      source: '',
      timeUs: undefined,
      rev,
      verified: true,
      ops: [op],
    }
  })
}

/** What commits change, an array for each. */
export function makeChanges(commits: readonly CommitEvent[]): Change[][] {
  return commits.map(createChangeMaker(zeroChangeStats()))
}

/** The links that commits create, as the log has them. */
export function makeEntries(count: number): LinkEntry[] {
  let timeUs = 1_780_000_000_000_000
  return makeChanges(makeCommits(count)).flatMap(changes =>
    changes.flatMap(change =>
      change.kind !== 'put'
        ? []
        : change.links.map(({ path, target }) => ({
            timeUs: ++timeUs,
            operation: 'create' as const,
            instant: modes.change,
            delayed: modes.change,
            source: formatSource(change.collection, path),
            did: change.did,
            rkey: change.rkey,
            rev: change.rev,
            subject: target,
          })),
    ),
  )
}
