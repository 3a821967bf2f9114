import type { Firehose } from '@orrery/firehose'
import { addFollowerMetrics } from '@orrery/firehose/service'
import type { IdentityResolver } from '@orrery/identity'
import type { Hub, Metrics } from '@orrery/server'
import type { SubscribeStats } from './routes/subscribe.ts'
import type { EventLog } from './store.ts'

export interface MetricSources {
  firehose: Firehose
  hub: Hub
  log: EventLog
  identity: IdentityResolver
  subscribeStats: SubscribeStats
}

/**
 * Declares the service's metrics over what its parts count anyway. No label holds anything that a client or upstream can
 * make up: no address, no collection, no DID.
 *
 * @returns to be told of each commit to the log, with its number of events
 */
export function addMetrics(metrics: Metrics, sources: MetricSources): (events: number) => void {
  addFollowerMetrics(metrics, 'jetstream', sources)
  addLog(metrics, sources)
  addSubscribers(metrics, sources)
  const batches = metrics.histogram({
    name: 'jetstream_commit_events',
    help: 'Events in one commit to the log.',
    buckets: [1, 4, 16, 64, 256, 1024, 4096],
  })
  return events => batches.observe(events)
}

function addLog(metrics: Metrics, { log }: MetricSources): void {
  metrics.gauge({
    name: 'jetstream_log_newest_seconds',
    help: 'The time of the newest event in the log, seconds since 1970.',
    read: () => log.last / 1e6,
  })
  metrics.gauge({
    name: 'jetstream_log_oldest_seconds',
    help: 'Everything from this time on is kept, seconds since 1970; 0 while nothing was dropped.',
    read: () => log.oldest / 1e6,
  })
  metrics.gauge({
    name: 'jetstream_log_memory_bytes',
    help: 'Events kept in memory.',
    read: () => log.memoryBytes,
  })
}

function addSubscribers(metrics: Metrics, { hub, subscribeStats }: MetricSources): void {
  const { stats } = hub
  metrics.gauge({
    name: 'jetstream_subscribers',
    help: 'Subscribers now, by whether they have all there is.',
    labels: { state: ['live', 'behind'] },
    read: () => hub.counts,
  })
  metrics.counter({
    name: 'jetstream_sent_events_total',
    help: 'Events sent to subscribers.',
    read: () => stats.sentEvents,
  })
  metrics.counter({
    name: 'jetstream_sent_bytes_total',
    help: 'Bytes of those events on the wire.',
    read: () => stats.sentBytes,
  })
  metrics.counter({
    name: 'jetstream_subscribers_dropped_total',
    help: 'Subscribers dropped, by cause: slow or dead clients, those outrun by retention, our own errors.',
    labels: { cause: ['slow', 'dead', 'outrun', 'error'] },
    read: () => stats.dropped,
  })
  metrics.counter({
    name: 'jetstream_subscribers_refused_total',
    help: 'Subscribers refused at the door, by reason.',
    labels: { reason: ['bad_request', 'too_many', 'too_many_from_ip'] },
    read: () => subscribeStats.refused,
  })
  metrics.counter({
    name: 'jetstream_options_updates_total',
    help: 'Filters changed by subscribers while connected.',
    read: () => subscribeStats.optionsUpdates,
  })
  metrics.counter({
    name: 'jetstream_bad_messages_total',
    help: 'Subscribers closed for a message that could not be taken.',
    read: () => subscribeStats.badMessages,
  })
  metrics.counter({
    name: 'jetstream_log_cold_reads_total',
    help: 'Reads of the log that went to disk.',
    read: () => stats.coldReads,
  })
}
