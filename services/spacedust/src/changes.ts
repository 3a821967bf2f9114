import type { CommitEvent, FirehoseEvent, RecordOp } from '@orrery/firehose'
import { LinkExtractor } from '@orrery/links'
import type { Change, RecordBody } from './store.ts'

/** What was made of events, counted from the start. */
export interface ChangeStats {
  /** Changes, by kind. */
  changes: Record<Change['kind'], number>
  /** Links left out: too many in one record, too long, nested too deep. */
  linksDropped: number
  /** Records that were too large to be kept with their links. */
  recordsTooLarge: number
}

export function zeroChangeStats(): ChangeStats {
  return { changes: { put: 0, delete: 0, delete_account: 0 }, linksDropped: 0, recordsTooLarge: 0 }
}

/** Links of one record: it is one message for each, to everybody. */
const maxLinks = 1_000

/** A record is in the message of each of its links, so that this much times the links is what a subscriber is sent. */
const maxBodyBytes = 16 * 1024

const noLinks = { links: [], tooMany: 0, tooLong: 0, tooDeep: 0 }

/**
 * Makes what tells of an event what it changes, in order.
 *
 * @param withBodies whether records come along
 */
export function createChangeMaker(
  stats: ChangeStats,
  withBodies = false,
): (event: FirehoseEvent) => Change[] {
  const extractor = new LinkExtractor({ maxLinks })

  function bodyOf({ cid, record }: RecordOp): RecordBody | undefined {
    if (!withBodies || cid === null || record === null) return undefined
    if (record.length > maxBodyBytes) {
      stats.recordsTooLarge++
      return undefined
    }
    return { cid, json: Buffer.from(record.buffer, record.byteOffset, record.length).toString() }
  }

  function ofOp({ did, rev }: CommitEvent, op: RecordOp): Change[] {
    const { action, collection, rkey, record } = op
    const key = { did, collection, rkey, rev }
    if (record === null) return [{ kind: 'delete', ...key }]
    // A firehose gives records that were read already; not to be JSON is not to link.
    const found = extractor.fromJson(record) ?? noLinks
    stats.linksDropped += found.tooMany + found.tooLong + found.tooDeep
    // What a record linked to before is gone; a new one linked to nothing.
    if (found.links.length === 0) return action === 'create' ? [] : [{ kind: 'delete', ...key }]
    const links = found.links.map(({ path, target }) => ({ path, target }))
    return [{ kind: 'put', ...key, links, body: bodyOf(op) }]
  }

  function changesOf(event: FirehoseEvent): Change[] {
    switch (event.kind) {
      case 'commit':
        return event.ops.flatMap(op => ofOp(event, op))
      case 'account':
        return !event.active && event.status === 'deleted' ? [{ kind: 'delete_account', did: event.did }] : []
      case 'identity':
      case 'sync':
        return []
    }
  }

  return event => {
    const changes = changesOf(event)
    for (const { kind } of changes) stats.changes[kind]++
    return changes
  }
}
