import { isValidNsid } from '@atproto/syntax'
import { defaultSources, parseSources } from '@orrery/firehose'
import { commonOptions, count, defineOptions, duration, list, type OptionsOf } from '@orrery/server'
import { z } from 'zod'

export const constellationOptions = defineOptions({
  prefix: 'CONSTELLATION',
  summary: 'Answers who links to what, from every link in every record.',
  options: {
    ...commonOptions({
      source: defaultSources,
      dataDir: './data/constellation',
      listen: '0.0.0.0:6789',
      metricsListen: '127.0.0.1:16789',
    }),
    collections: list(z.string())
      .default([])
      .meta({ placeholder: '<nsid>' })
      .describe('Indexes these collections only (`app.bsky.feed.like`, or all under `app.bsky.graph.*`).'),
    skipCollections: list(z.string())
      .default([])
      .meta({ placeholder: '<nsid>' })
      .describe('Leaves these collections out, also of what `--collections` takes in.'),
    import: z
      .string()
      .optional()
      .meta({ placeholder: '<file>' })
      .describe(
        'Takes in recorded Jetstream events first, one JSON a line (`.jsonl`, `.jsonl.zst`), and follows the source then. For an empty index: what is older than what an account did already is passed over.',
      ),
    didWebDomain: z
      .string()
      .optional()
      .meta({ placeholder: '<domain>' })
      .describe('Serves the document of `did:web:<domain>`, so that PDSes can proxy to this service.'),
    commitInterval: duration()
      .prefault('250ms')
      .describe(
        'The least time from one commit to the next, in which events are gathered; longer spares the disk and the processor.',
      ),
    verifyThreads: count()
      .optional()
      .meta({ defaultText: 'one less than the cores' })
      .describe('Threads that check signatures and proofs, where the source is a relay.'),
  },
  check: options => {
    const problems: string[] = []
    try {
      parseSources(options.source)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      problems.push(`--source: ${error.message}`)
    }
    for (const [flag, patterns] of [
      ['--collections', options.collections],
      ['--skip-collections', options.skipCollections],
    ] as const) {
      for (const pattern of patterns) {
        // A namespace has two parts at least; with a name it is an NSID.
        if (!isValidNsid(pattern.replace(/\.\*$/, '.name'))) {
          problems.push(`${flag}: "${pattern}" is no collection; try app.bsky.feed.like or app.bsky.graph.*`)
        }
      }
    }
    return problems
  },
})

export type ConstellationOptions = OptionsOf<typeof constellationOptions>
