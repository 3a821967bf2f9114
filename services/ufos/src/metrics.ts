import type { Firehose } from '@orrery/firehose'
import { addFollowerMetrics } from '@orrery/firehose/service'
import type { IdentityResolver } from '@orrery/identity'
import type { Metrics } from '@orrery/server'
import type { ChangeStats } from './changes.ts'
import type { LexiconStats } from './lexicon/lexicons.ts'
import type { StoreStats } from './store.ts'

export interface MetricSources {
  firehose: Firehose
  identity: IdentityResolver
  changes: ChangeStats
  lexicons: LexiconStats
  /** What the store holds, as of some seconds ago. */
  store: () => StoreStats | undefined
}

/**
 * Declares what the service counts. No label holds anything that a client or upstream can make up: collections are for
 * the API.
 */
export function addMetrics(metrics: Metrics, sources: MetricSources): void {
  const { firehose, identity, changes, lexicons, store } = sources
  addFollowerMetrics(metrics, 'ufos', { firehose, identity })
  metrics.counter({
    name: 'ufos_changes_total',
    help: 'Events counted and accounts removed, by kind.',
    labels: { kind: Object.keys(changes.changes) },
    read: () => changes.changes,
  })
  metrics.counter({
    name: 'ufos_bad_nsids_total',
    help: 'Operations left out, as their collection is no NSID.',
    read: () => changes.badNsids,
  })
  metrics.counter({
    name: 'ufos_bad_times_total',
    help: 'Events with a time that cannot be, counted in the hour in which they came.',
    read: () => changes.badTimes,
  })
  metrics.counter({
    name: 'ufos_records_too_large_total',
    help: 'Records that were too large to be samples.',
    read: () => changes.tooLarge,
  })
  metrics.gauge({
    name: 'ufos_collections',
    help: 'Collections that are told apart.',
    read: () => store()?.collections,
  })
  metrics.gauge({
    name: 'ufos_other_events',
    help: 'Events of collections beyond `--max-collections`, since the store was made.',
    read: () => {
      const other = store()?.other
      return other && other.creates + other.updates + other.deletes
    },
  })
  metrics.gauge({
    name: 'ufos_samples',
    help: 'Records kept as samples.',
    read: () => store()?.samples,
  })
  metrics.gauge({
    name: 'ufos_sample_bytes',
    help: 'What they take: their JSON, and 200 bytes each.',
    read: () => store()?.sampleBytes,
  })
  metrics.gauge({
    name: 'ufos_disk_bytes',
    help: 'Size of the database file.',
    read: () => store()?.diskBytes,
  })
  metrics.counter({
    name: 'ufos_lexicon_lookups_total',
    help: 'Lexicons asked for on the network, by what came of it.',
    labels: { outcome: ['found', 'not_found', 'failed'] },
    read: () => ({ ...lexicons }),
  })
}
