import type { IdentityResolver } from '@orrery/identity'
import type { Metrics } from '@orrery/server'
import { dropReasons } from '../drops.ts'
import type { Firehose } from '../firehose.ts'

/**
 * Declares, under the service's name, what every service that follows a source counts of it. No label holds anything that
 * upstream can make up.
 */
export function addFollowerMetrics(
  metrics: Metrics,
  service: string,
  { firehose, identity }: { firehose: Firehose; identity: IdentityResolver },
): void {
  const { stats } = firehose
  metrics.counter({
    name: `${service}_upstream_messages_total`,
    help: 'Messages received from the sources.',
    read: () => stats.frames,
  })
  metrics.counter({
    name: `${service}_upstream_bytes_total`,
    help: 'Bytes of those messages.',
    read: () => stats.bytes,
  })
  metrics.counter({
    name: `${service}_upstream_events_total`,
    help: 'Events that passed the checks, by kind; a commit is one whatever its operations.',
    labels: { kind: ['commit', 'identity', 'account', 'sync'] },
    read: () => stats.events,
  })
  metrics.counter({
    name: `${service}_upstream_dropped_total`,
    help: 'Events and operations that did not, by reason.',
    labels: { reason: Object.keys(dropReasons) },
    read: () => stats.dropped,
  })
  metrics.counter({
    name: `${service}_upstream_unverified_total`,
    help: 'Commits let through without a check of their signature.',
    read: () => stats.unverified,
  })
  metrics.counter({
    name: `${service}_upstream_incomplete_total`,
    help: 'Commits whose operations are true but not proven to be all, from hosts before Sync 1.1.',
    read: () => stats.incomplete,
  })
  metrics.counter({
    name: `${service}_upstream_chain_breaks_total`,
    help: 'Commits that do not follow on the account’s last known one.',
    read: () => stats.chainBreaks,
  })
  metrics.counter({
    name: `${service}_upstream_connects_total`,
    help: 'Connections made to sources.',
    read: () => stats.connects,
  })
  metrics.counter({
    name: `${service}_upstream_gaps_total`,
    help: 'Spans for which a source could not give what happened.',
    read: () => stats.gaps,
  })
  metrics.gauge({
    name: `${service}_upstream_connected`,
    help: 'Sources connected now.',
    read: () => firehose.status().sources.filter(source => source.connected).length,
  })
  metrics.gauge({
    name: `${service}_lag_seconds`,
    help: 'How far what is served trails the network.',
    read: () => seconds(firehose.status().lagMs),
  })
  metrics.gauge({
    name: `${service}_last_event_age_seconds`,
    help: 'The age of the newest event by upstream’s clock.',
    read: () => seconds(firehose.status().lastEventAgeMs),
  })
  metrics.counter({
    name: `${service}_identity_lookups_total`,
    help: 'DID documents asked for on the network, by method.',
    labels: { method: ['plc', 'web'] },
    read: () => identity.stats().lookups,
  })
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}
