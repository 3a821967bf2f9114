import type { Batch, CommitEvent, FirehoseEvent, RecordOp } from '@orrery/firehose'
import type { WantsCollection } from './collections.ts'
import type { Change } from './store.ts'

/** What was made of events, counted from the start. */
export interface ChangeStats {
  /** Changes, by kind. */
  changes: Record<Change['kind'], number>
  /** Records that were too large to be kept. */
  tooLarge: number
}

export function zeroChangeStats(): ChangeStats {
  return {
    changes: { put: 0, delete: 0, forget: 0, account: 0, delete_account: 0, sync: 0, gap: 0 },
    tooLarge: 0,
  }
}

export interface ChangeOptions {
  wants: WantsCollection
  maxRecordBytes: number
  stats: ChangeStats
}

/** What a batch changes in the cache, in order. After a gap nothing of before is trusted, this batch included. */
export function changesOf({ events, progress }: Batch, options: ChangeOptions): Change[] {
  const changes = events.flatMap(event => changesOfEvent(event, options))
  if (progress.gaps.length > 0) changes.push({ kind: 'gap' })
  for (const { kind } of changes) options.stats.changes[kind]++
  return changes
}

function changesOfEvent(event: FirehoseEvent, options: ChangeOptions): Change[] {
  switch (event.kind) {
    case 'commit':
      // Before what the commit itself brings, which is true.
      return [...distrust(event), ...event.ops.map(op => changeOfOp(event, op, options))]
    case 'account':
      if (event.active) return [{ kind: 'account', did: event.did, status: null }]
      if (event.status === 'deleted') return [{ kind: 'delete_account', did: event.did }]
      return [{ kind: 'account', did: event.did, status: event.status ?? 'inactive' }]
    case 'sync':
      return [{ kind: 'sync', did: event.did }]
    case 'identity':
      return []
  }
}

/** Of an account whose commits did not all come out, or not all of them, something old may be here. */
function distrust({ did, missing }: CommitEvent): Change[] {
  return missing === undefined ? [] : [{ kind: 'sync', did }]
}

function changeOfOp(
  { did, rev, verified }: CommitEvent,
  { collection, rkey, cid, record: json }: RecordOp,
  { wants, maxRecordBytes, stats }: ChangeOptions,
): Change {
  const record = { did, collection, rkey }
  if (json === null || cid === null) return { kind: wants(collection) ? 'delete' : 'forget', record, rev }
  const isTooLarge = json.length > maxRecordBytes
  if (isTooLarge) stats.tooLarge++
  if (isTooLarge || !wants(collection)) return { kind: 'forget', record, rev }
  return { kind: 'put', record, rev, value: { cid, json, verified } }
}
