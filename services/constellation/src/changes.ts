import type { CommitEvent, FirehoseEvent, RecordOp } from '@orrery/firehose'
import { LinkExtractor } from '@orrery/links'
import type { WantsCollection } from './collections.ts'
import type { Change } from './store.ts'

/** What was made of events, counted from the start. */
export interface ChangeStats {
  /** Changes, by kind. */
  changes: Record<Change['kind'], number>
  /** Records that hold no link. */
  withoutLinks: number
  /** Operations on collections that are not indexed. */
  skipped: number
  /** Links in what was put. */
  links: number
  /** Links left out: too many in one record, too long, nested too deep. */
  linksDropped: number
}

export function zeroChangeStats(): ChangeStats {
  return {
    changes: { put: 0, delete: 0, account: 0, delete_account: 0 },
    withoutLinks: 0,
    skipped: 0,
    links: 0,
    linksDropped: 0,
  }
}

const noLinks = { links: [], tooMany: 0, tooLong: 0, tooDeep: 0 }

/** What an event changes in the index, in order. */
export type ChangeMaker = (event: FirehoseEvent) => Change[]

export function createChangeMaker({
  wants,
  stats,
}: {
  wants: WantsCollection
  stats: ChangeStats
}): ChangeMaker {
  const extractor = new LinkExtractor()

  function count(change: Change): Change {
    stats.changes[change.kind]++
    return change
  }

  function ofOp({ did, rev }: CommitEvent, { action, collection, rkey, record }: RecordOp): Change[] {
    if (!wants(collection)) {
      stats.skipped++
      return []
    }
    const key = { did, collection, rkey }
    if (record === null) return [count({ kind: 'delete', record: key, rev })]
    // A firehose gives records that were read already; not to be JSON is not to link.
    const { links, tooMany, tooLong, tooDeep } = extractor.fromJson(record) ?? noLinks
    stats.links += links.length
    stats.linksDropped += tooMany + tooLong + tooDeep
    if (links.length > 0) return [count({ kind: 'put', record: key, rev, links })]
    stats.withoutLinks++
    // What it held before is gone. A record that is new held nothing.
    return action === 'update' ? [count({ kind: 'delete', record: key, rev })] : []
  }

  return event => {
    switch (event.kind) {
      case 'commit':
        return event.ops.flatMap(op => ofOp(event, op))
      case 'account':
        if (!event.active && event.status === 'deleted') {
          return [count({ kind: 'delete_account', did: event.did })]
        }
        // Whatever the reason (deactivated, taken down, suspended, …), `active` alone decides what may be shown.
        return [count({ kind: 'account', did: event.did, active: event.active })]
      case 'identity':
      case 'sync':
        return []
    }
  }
}
