import { dropReasons, type Firehose } from '@orrery/firehose'
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
  addUpstream(metrics, sources)
  addLog(metrics, sources)
  addSubscribers(metrics, sources)
  const batches = metrics.histogram({
    name: 'jetstream_commit_events',
    help: 'Events in one commit to the log.',
    buckets: [1, 4, 16, 64, 256, 1024, 4096],
  })
  return events => batches.observe(events)
}

function addUpstream(metrics: Metrics, { firehose, identity }: MetricSources): void {
  const { stats } = firehose
  metrics.counter({
    name: 'jetstream_upstream_messages_total',
    help: 'Messages received from the sources.',
    read: () => stats.frames,
  })
  metrics.counter({
    name: 'jetstream_upstream_bytes_total',
    help: 'Bytes of those messages.',
    read: () => stats.bytes,
  })
  metrics.counter({
    name: 'jetstream_upstream_events_total',
    help: 'Events that passed the checks, by kind; a commit is one whatever its operations.',
    labels: { kind: ['commit', 'identity', 'account', 'sync'] },
    read: () => stats.events,
  })
  metrics.counter({
    name: 'jetstream_upstream_dropped_total',
    help: 'Events and operations that did not, by reason.',
    labels: { reason: Object.keys(dropReasons) },
    read: () => stats.dropped,
  })
  metrics.counter({
    name: 'jetstream_upstream_unverified_total',
    help: 'Commits let through without a check of their signature.',
    read: () => stats.unverified,
  })
  metrics.counter({
    name: 'jetstream_upstream_incomplete_total',
    help: 'Commits whose operations are true but not proven to be all, from hosts before Sync 1.1.',
    read: () => stats.incomplete,
  })
  metrics.counter({
    name: 'jetstream_upstream_chain_breaks_total',
    help: 'Commits that do not follow on the account’s last known one.',
    read: () => stats.chainBreaks,
  })
  metrics.counter({
    name: 'jetstream_upstream_connects_total',
    help: 'Connections made to sources.',
    read: () => stats.connects,
  })
  metrics.counter({
    name: 'jetstream_upstream_gaps_total',
    help: 'Spans for which a source could not give what happened.',
    read: () => stats.gaps,
  })
  metrics.gauge({
    name: 'jetstream_upstream_connected',
    help: 'Sources connected now.',
    read: () => firehose.status().sources.filter(source => source.connected).length,
  })
  metrics.gauge({
    name: 'jetstream_lag_seconds',
    help: 'How far what is served trails the network.',
    read: () => seconds(firehose.status().lagMs),
  })
  metrics.gauge({
    name: 'jetstream_last_event_age_seconds',
    help: 'The age of the newest event by upstream’s clock.',
    read: () => seconds(firehose.status().lastEventAgeMs),
  })
  metrics.counter({
    name: 'jetstream_identity_lookups_total',
    help: 'DID documents asked for on the network, by method.',
    labels: { method: ['plc', 'web'] },
    read: () => identity.stats().lookups,
  })
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

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}
