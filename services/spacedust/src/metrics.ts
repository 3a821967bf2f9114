import type { Firehose } from '@orrery/firehose'
import { addFollowerMetrics } from '@orrery/firehose/service'
import type { IdentityResolver } from '@orrery/identity'
import type { Metrics } from '@orrery/server'
import type { ChangeStats } from './changes.ts'
import { streams } from './entry.ts'
import type { Served, SubscribeStats } from './routes/subscribe.ts'
import type { SubscribeOptions } from './routes/subscribe.ts'
import type { Appended, LinkLog } from './store.ts'

export interface MetricSources {
  firehose: Firehose
  identity: IdentityResolver
  changes: ChangeStats
  log: LinkLog
  served: SubscribeOptions['served']
  subscribeStats: SubscribeStats
}

/**
 * Declares the service's metrics over what its parts count anyway. No label holds anything that a client or upstream can
 * make up.
 *
 * @returns to be told of what each append did
 */
export function addMetrics(metrics: Metrics, sources: MetricSources): (appended: Appended) => void {
  addFollowerMetrics(metrics, 'spacedust', sources)
  addSubscribers(metrics, sources)
  const { changes, log } = sources
  metrics.counter({
    name: 'spacedust_changes_total',
    help: 'Changes of records and accounts taken in, by kind.',
    labels: { kind: Object.keys(changes.changes) },
    read: () => changes.changes,
  })
  metrics.counter({
    name: 'spacedust_links_dropped_total',
    help: 'Links left out because their record holds too many, or they are too long or nested too deep.',
    read: () => changes.linksDropped,
  })
  metrics.counter({
    name: 'spacedust_records_too_large_total',
    help: 'Records that were too large to be kept with their links.',
    read: () => changes.recordsTooLarge,
  })
  metrics.gauge({
    name: 'spacedust_held_links',
    help: 'Links that wait for their delay to end.',
    read: () => log.held,
  })
  metrics.gauge({
    name: 'spacedust_log_newest_seconds',
    help: 'The time of the newest link in the log, seconds since 1970.',
    read: () => log.instant.last / 1e6,
  })
  metrics.gauge({
    name: 'spacedust_log_oldest_seconds',
    help: 'Everything from this time on is kept, seconds since 1970; 0 while nothing was dropped.',
    read: () => log.instant.oldest / 1e6,
  })
  metrics.gauge({
    name: 'spacedust_log_memory_bytes',
    help: 'Links kept in memory, as they are sent.',
    read: () => log.memoryBytes,
  })
  const links = metrics.counter({
    name: 'spacedust_links_total',
    help: 'Entries written to the log: links that came into being, were there again, or went.',
  })
  const undone = metrics.counter({
    name: 'spacedust_undone_total',
    help: 'Versions of records that were deleted or replaced while their links were held.',
  })
  return appended => {
    links.inc(appended.entries)
    undone.inc(appended.undone)
  }
}

function addSubscribers(metrics: Metrics, { served, subscribeStats }: MetricSources): void {
  const sumOf = (count: (each: Served) => number): number =>
    streams.reduce((sum, stream) => sum + count(served[stream]), 0)
  for (const stream of streams) {
    metrics.gauge({
      name: `spacedust_${stream}_subscribers`,
      help: `Subscribers of the ${stream} stream now, by whether they have all there is.`,
      labels: { state: ['live', 'behind'] },
      read: () => served[stream].hub.counts,
    })
    metrics.counter({
      name: `spacedust_${stream}_dropped_total`,
      help: `Subscribers of the ${stream} stream that were dropped, by cause: slow or dead clients, those outrun by retention, our own errors.`,
      labels: { cause: ['slow', 'dead', 'outrun', 'error'] },
      read: () => served[stream].hub.stats.dropped,
    })
  }
  metrics.gauge({
    name: 'spacedust_filters',
    help: 'Different filters of subscribers now.',
    read: () => sumOf(({ matcher }) => matcher.size),
  })
  metrics.counter({
    name: 'spacedust_sent_links_total',
    help: 'Links sent to subscribers.',
    read: () => sumOf(({ hub }) => hub.stats.sentEvents),
  })
  metrics.counter({
    name: 'spacedust_sent_bytes_total',
    help: 'Bytes of those links on the wire.',
    read: () => sumOf(({ hub }) => hub.stats.sentBytes),
  })
  metrics.counter({
    name: 'spacedust_log_cold_reads_total',
    help: 'Reads of the log that went to disk.',
    read: () => sumOf(({ hub }) => hub.stats.coldReads),
  })
  metrics.counter({
    name: 'spacedust_subscribers_refused_total',
    help: 'Subscribers refused at the door, by reason.',
    labels: { reason: ['bad_request', 'too_many', 'too_many_from_ip'] },
    read: () => subscribeStats.refused,
  })
  metrics.counter({
    name: 'spacedust_options_updates_total',
    help: 'Filters changed by subscribers while connected.',
    read: () => subscribeStats.optionsUpdates,
  })
  metrics.counter({
    name: 'spacedust_bad_messages_total',
    help: 'Subscribers closed for a message that could not be taken.',
    read: () => subscribeStats.badMessages,
  })
}
