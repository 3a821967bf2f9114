import { defaultSources, parseSources } from '@orrery/firehose'
import { bytes, commonOptions, count, defineOptions, duration, type OptionsOf } from '@orrery/server'
import { z } from 'zod'

export const spacedustOptions = defineOptions({
  prefix: 'SPACEDUST',
  summary: 'Sends links as they happen, over WebSocket.',
  options: {
    ...commonOptions({
      source: defaultSources,
      dataDir: './data/spacedust',
      listen: '0.0.0.0:6790',
      metricsListen: '127.0.0.1:16790',
    }),
    delay: duration({ max: '10m' })
      .prefault('21s')
      .describe('How long links are held for subscribers who do not ask for instant ones.'),
    retention: duration()
      .prefault('24h')
      .describe('How long links are kept for replay; with 0 for as long as they are held.'),
    forwardIndex: z
      .union([z.literal('forever'), duration({ min: '1m' })])
      .optional()
      .meta({ placeholder: '<duration>|forever', defaultText: 'as long as the log' })
      .describe(
        'How long it is remembered what a record links to, so that its deletion can tell which links are gone.',
      ),
    keepRecords: duration()
      .prefault('1h')
      .describe(
        'How long records are kept, for subscribers who ask for them or their CIDs; at least as long as links are held. With 0 none are, and nobody can ask.',
      ),
    commitInterval: duration()
      .prefault('50ms')
      .describe('How long events are gathered before they are committed together; longer spares the disk.'),
    maxConnections: count().prefault('5000').describe('Subscribers at a time; 0 for no limit.'),
    maxConnectionsPerIp: count().prefault('50').describe('Subscribers from one address; 0 for no limit.'),
    maxEventsPerIp: count()
      .prefault('0')
      .describe('Links a second to one address, over all its connections; 0 for no limit.'),
    memoryForRecent: bytes()
      .prefault('4MiB')
      .describe('Memory for the newest links of each stream, which live subscribers share.'),
    slowTimeout: duration()
      .prefault('30s')
      .describe('How long a subscriber may read nothing while something waits for it, before it is dropped.'),
    verifyThreads: count()
      .optional()
      .meta({ defaultText: 'one less than the cores' })
      .describe('Threads that check signatures and proofs, where the source is a relay.'),
  },
  check: options => {
    try {
      parseSources(options.source)
      return []
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return [`--source: ${error.message}`]
    }
  },
})

export type SpacedustOptions = OptionsOf<typeof spacedustOptions>
