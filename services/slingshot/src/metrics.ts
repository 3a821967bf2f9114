import type { Firehose } from '@orrery/firehose'
import { addFollowerMetrics } from '@orrery/firehose/service'
import type { Directory, HandleResolver, IdentityResolver } from '@orrery/identity'
import type { Metrics } from '@orrery/server'
import type { RecordCache } from './cache/cache.ts'
import type { Trust } from './cache/trust.ts'
import type { ChangeStats } from './changes.ts'
import type { FetchStats } from './fetch/fetch-record.ts'
import type { Hosts } from './fetch/hosts.ts'
import type { StoreStats } from './store.ts'

export interface MetricSources {
  firehose: Firehose
  identity: IdentityResolver
  handles: HandleResolver
  directory: Directory
  cache: RecordCache
  trust: Trust
  changes: ChangeStats
  fetches: FetchStats
  hosts: Hosts
  store: () => StoreStats
  refused: () => number
}

/**
 * Declares what the service counts. Hit rate: hits by hits and misses; what misses cost: fetches. No label holds anything
 * that a client or upstream can make up.
 */
export function addMetrics(metrics: Metrics, sources: MetricSources): void {
  const { firehose, identity, handles, directory, cache, trust, changes, fetches, hosts, store } = sources
  addFollowerMetrics(metrics, 'slingshot', { firehose, identity })
  metrics.counter({
    name: 'slingshot_changes_total',
    help: 'Changes made to the cache, by kind.',
    labels: { kind: Object.keys(changes.changes) },
    read: () => changes.changes,
  })
  metrics.counter({
    name: 'slingshot_records_too_large_total',
    help: 'Records that were too large to be kept.',
    read: () => changes.tooLarge,
  })
  metrics.counter({
    name: 'slingshot_hits_total',
    help: 'Records answered from the cache, by where they were.',
    labels: { tier: ['memory', 'disk'] },
    read: () => ({ memory: cache.stats.memoryHits, disk: cache.stats.diskHits }),
  })
  metrics.counter({
    name: 'slingshot_misses_total',
    help: 'Records that had to be asked for; joined: where somebody else was asking already; refused: as the PDS is left alone.',
    labels: { kind: ['first', 'joined', 'refused'] },
    read: () => {
      const { misses, joined, refused } = cache.stats
      return { first: misses, joined, refused }
    },
  })
  metrics.counter({
    name: 'slingshot_overtaken_total',
    help: 'Answers of PDSes that an event overtook.',
    read: () => cache.stats.overtaken,
  })
  metrics.counter({
    name: 'slingshot_fetches_total',
    help: 'Records asked of PDSes, by what came of it.',
    labels: { outcome: Object.keys(fetches) },
    read: () => fetches,
  })
  metrics.gauge({
    name: 'slingshot_fetches_underway',
    help: 'Records that PDSes are being asked for now.',
    read: () => cache.gauges().underway,
  })
  metrics.gauge({
    name: 'slingshot_hosts_paused',
    help: 'PDSes that keep failing and are left alone now.',
    read: () => hosts.paused(),
  })
  metrics.gauge({
    name: 'slingshot_memory_entries',
    help: 'Records in memory.',
    read: () => cache.gauges().entries,
  })
  metrics.gauge({
    name: 'slingshot_memory_bytes',
    help: 'What they take of `--memory`.',
    read: () => cache.gauges().bytes,
  })
  metrics.gauge({
    name: 'slingshot_disk_records',
    help: 'Records and tombstones on disk.',
    read: () => store().records,
  })
  metrics.gauge({
    name: 'slingshot_disk_bytes',
    help: 'What they take of `--disk`.',
    read: () => store().bytes,
  })
  metrics.counter({
    name: 'slingshot_disk_evicted_total',
    help: 'Records let go for want of room on disk, since the cache was made.',
    read: () => store().evicted,
  })
  metrics.gauge({
    name: 'slingshot_trusted',
    help: '1 while the cache keeps up with the network and is believed, 0 while records are asked for again.',
    read: () => (trust.isCurrent ? 1 : 0),
  })
  metrics.counter({
    name: 'slingshot_handle_lookups_total',
    help: 'Handles asked for on the network, by what came of it.',
    labels: { outcome: ['found', 'not_found', 'failed'] },
    read: () => {
      const { found, notFound, failed } = handles.stats()
      return { found, not_found: notFound, failed }
    },
  })
  metrics.counter({
    name: 'slingshot_identity_stale_total',
    help: 'Identities and handles served while they were asked for again.',
    read: () => directory.stats().stale,
  })
  metrics.counter({
    name: 'slingshot_identity_refreshes_total',
    help: 'Identities and handles asked for again in the background, by what came of it.',
    labels: { outcome: ['done', 'failed', 'refused'] },
    read: () => {
      const { done, failed, refused } = directory.stats()
      return { done, failed, refused }
    },
  })
  metrics.gauge({
    name: 'slingshot_identity_refreshes_queued',
    help: 'Of these, waiting now.',
    read: () => directory.stats().queued,
  })
  metrics.counter({
    name: 'slingshot_requests_refused_total',
    help: 'Requests beyond the rate of their client.',
    read: sources.refused,
  })
}
