import type { Firehose } from '@orrery/firehose'
import { addFollowerMetrics } from '@orrery/firehose/service'
import type { IdentityResolver } from '@orrery/identity'
import type { Metrics } from '@orrery/server'
import type { ChangeStats } from './changes.ts'
import type { IndexStats } from './store.ts'

export interface MetricSources {
  firehose: Firehose
  identity: IdentityResolver
  changes: ChangeStats
  /** What the index holds, as of some seconds ago. */
  index: () => IndexStats | undefined
}

/**
 * Declares the service's metrics over what its parts count anyway. No label holds anything that a client or upstream can
 * make up.
 */
export function addMetrics(metrics: Metrics, { firehose, identity, changes, index }: MetricSources): void {
  addFollowerMetrics(metrics, 'constellation', { firehose, identity })
  metrics.counter({
    name: 'constellation_changes_total',
    help: 'Changes made to the index, by kind.',
    labels: { kind: Object.keys(changes.changes) },
    read: () => changes.changes,
  })
  metrics.counter({
    name: 'constellation_links_total',
    help: 'Links in the records taken in.',
    read: () => changes.links,
  })
  metrics.counter({
    name: 'constellation_records_without_links_total',
    help: 'Records taken in that hold no link.',
    read: () => changes.withoutLinks,
  })
  metrics.counter({
    name: 'constellation_records_skipped_total',
    help: 'Operations on collections that are not indexed.',
    read: () => changes.skipped,
  })
  metrics.counter({
    name: 'constellation_links_dropped_total',
    help: 'Links left out because their record holds too many, or they are too long or nested too deep.',
    read: () => changes.linksDropped,
  })
  metrics.gauge({
    name: 'constellation_index_links',
    help: 'Links in the index.',
    read: () => index()?.links,
  })
  metrics.gauge({
    name: 'constellation_index_records',
    help: 'Records in the index.',
    read: () => index()?.linkingRecords,
  })
  metrics.gauge({
    name: 'constellation_index_targets',
    help: 'Targets in the index, each counted once for every source that linked to it.',
    read: () => index()?.targetables,
  })
  metrics.gauge({
    name: 'constellation_index_dids',
    help: 'Accounts that link.',
    read: () => index()?.dids,
  })
}
