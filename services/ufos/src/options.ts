import { defaultSources, parseSources } from '@orrery/firehose'
import { bytes, commonOptions, count, defineOptions, duration, list, type OptionsOf } from '@orrery/server'
import { z } from 'zod'

export const ufosOptions = defineOptions({
  prefix: 'UFOS',
  summary: 'Tells what collections there are, who uses them, and how that changes.',
  options: {
    ...commonOptions({
      source: defaultSources,
      dataDir: './data/ufos',
      listen: '0.0.0.0:9990',
      metricsListen: '127.0.0.1:19990',
    }),
    merge: z
      .boolean()
      .default(false)
      .describe('Follows all sources at once, instead of one after the other.'),
    maxCollections: count({ min: 1, max: 1_000_000 })
      .prefault('50000')
      .describe(
        'Collections that are told apart. What comes beyond is counted as if it were one, and has no samples.',
      ),
    maxSample: bytes().prefault('64KiB').describe('Larger records, as JSON, are counted but are no samples.'),
    maxSamples: bytes()
      .prefault('1GiB')
      .describe(
        'How much all samples together may take, their JSON and 200 bytes each; beyond it the oldest go first.',
      ),
    commitInterval: duration()
      .prefault('3s')
      .describe('How long events are gathered before they are committed together; longer spares the disk.'),
    lexiconTtl: duration()
      .prefault('1h')
      .describe('How long a published lexicon is remembered; that there is none, for a twelfth of that.'),
    dns: list(z.string())
      .default([])
      .meta({ placeholder: '<ip:port>', defaultText: 'the system’s' })
      .describe('Name servers that lexicons are looked up with.'),
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

export type UfosOptions = OptionsOf<typeof ufosOptions>
