import { defaultSources, parseSources } from '@orrery/firehose'
import { bytes, commonOptions, count, defineOptions, duration, type OptionsOf } from '@orrery/server'
import { z } from 'zod'

export const jetstreamOptions = defineOptions({
  prefix: 'JETSTREAM',
  summary: 'Serves the verified firehose as simple JSON over WebSocket.',
  options: {
    ...commonOptions({
      source: defaultSources,
      dataDir: './data/jetstream',
      listen: '0.0.0.0:6008',
      metricsListen: '127.0.0.1:16008',
    }),
    merge: z
      .boolean()
      .default(false)
      .describe('Follows all relays at once: what one of them misses comes from another.'),
    retention: duration().prefault('48h').describe('How long events are kept for replay.'),
    retentionSize: bytes()
      .prefault('50GB')
      .describe('How much disk the events may take; the oldest hours go first, whatever their age.'),
    durability: z
      .enum(['normal', 'full'])
      .default('normal')
      .describe(
        'What a commit survives: `normal` any crash of the process, `full` a power cut too, for an fsync every few milliseconds.',
      ),
    commitInterval: duration()
      .prefault('10ms')
      .describe('How long events are gathered before they are committed together; longer spares the disk.'),
    zstdDictionary: z
      .string()
      .optional()
      .meta({ placeholder: '<file>', defaultText: 'fetched once and kept in the data folder' })
      .describe('The compression dictionary of the v1 wire, for machines that cannot fetch it.'),
    maxConnections: count().prefault('5000').describe('Subscribers at a time; 0 for no limit.'),
    maxConnectionsPerIp: count().prefault('50').describe('Subscribers from one address; 0 for no limit.'),
    maxEventsPerIp: count()
      .prefault('0')
      .describe('Events a second to one address, over all its connections; 0 for no limit.'),
    memoryForRecent: bytes()
      .prefault('16MiB')
      .describe('Memory for the newest events, which live subscribers share.'),
    memoryForReplay: bytes()
      .prefault('32MiB')
      .describe('Memory for events that replays read from disk, which they share.'),
    slowTimeout: duration()
      .prefault('30s')
      .describe('How long a subscriber may read nothing while something waits for it, before it is dropped.'),
    verifyThreads: count()
      .optional()
      .meta({ defaultText: 'one less than the cores' })
      .describe('Threads that check signatures and proofs.'),
  },
  check: options => {
    const problems: string[] = []
    try {
      const sources = parseSources(options.source)
      if (options.merge && sources[0]?.kind === 'jetstream') {
        problems.push('--merge needs relays; a Jetstream has no revs to tell its events from another’s')
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      problems.push(`--source: ${error.message}`)
    }
    return problems
  },
})

export type JetstreamOptions = OptionsOf<typeof jetstreamOptions>
