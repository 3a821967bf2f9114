import { isValidNsid } from '@atproto/syntax'
import { defaultSources, parseSources } from '@orrery/firehose'
import {
  bytes,
  commonOptions,
  count,
  defineOptions,
  duration,
  httpUrl,
  list,
  type OptionsOf,
} from '@orrery/server'
import { isIP } from 'node:net'
import { z } from 'zod'

export const slingshotOptions = defineOptions({
  prefix: 'SLINGSHOT',
  summary: 'Answers any record and any identity, from a cache that follows the firehose.',
  options: {
    ...commonOptions({
      source: defaultSources,
      dataDir: './data/slingshot',
      listen: '0.0.0.0:6791',
      metricsListen: '127.0.0.1:16791',
    }),
    merge: z
      .boolean()
      .default(false)
      .describe('Follows all sources at once, instead of one after the other.'),
    collections: list(z.string())
      .default([])
      .meta({ placeholder: '<nsid>' })
      .describe(
        'Keeps records of these collections only as they happen (`app.bsky.feed.post`, or all under `app.bsky.actor.*`). Others are kept when somebody asks for them.',
      ),
    skipCollections: list(z.string())
      .default([])
      .meta({ placeholder: '<nsid>' })
      .describe('Leaves these collections out, also of what `--collections` takes in.'),
    memory: bytes().prefault('64MiB').describe('For records in memory.'),
    disk: bytes({ min: '1MiB' })
      .prefault('1GiB')
      .describe('For records on disk; what came longest ago goes first. The file takes about as much.'),
    identityMemory: bytes().prefault('24MiB').describe('For DID documents in memory.'),
    maxLag: duration({ min: '1s' })
      .prefault('60s')
      .describe(
        'How far behind the network the cache may be and still be believed. Beyond that, and after a start until it has caught up, records are asked for again.',
      ),
    fetchTimeout: duration({ min: '100ms', max: '60s' })
      .prefault('5s')
      .describe('How long a request may wait for other servers, in all.'),
    maxRecord: bytes({ min: '1KiB' })
      .prefault('4MiB')
      .describe('Larger records, as JSON, are not kept, and not taken from a PDS.'),
    refusalTtl: duration()
      .prefault('30s')
      .describe('How long it is remembered that a PDS has no such record. An event ends it.'),
    checkCid: z
      .boolean()
      .default(true)
      .describe('Refuses a record from a PDS that is not what its CID says.'),
    verifyFetched: z
      .boolean()
      .default(false)
      .describe(
        'Asks PDSes for proofs instead of records, and checks them against the repository’s signature.',
      ),
    dns: list(z.string())
      .default([])
      .meta({ placeholder: '<ip:port>', defaultText: 'the system’s' })
      .describe('Name servers that handles are looked up with.'),
    dohUrl: httpUrl()
      .optional()
      .describe('A resolver over HTTPS (RFC 8484) that handles are looked up with instead.'),
    rateLimit: count()
      .prefault('100')
      .describe(
        'Requests a second that one client may make on average; a batch counts as its items. 0: no limit.',
      ),
    rateBurst: count({ min: 1 }).prefault('500').describe('Requests that one client may make at once.'),
    didWebDomain: z
      .string()
      .optional()
      .meta({ placeholder: '<domain>' })
      .describe('Serves the document of `did:web:<domain>`, so that PDSes can proxy to this service.'),
    commitInterval: duration()
      .prefault('50ms')
      .describe('How long events are gathered before they are committed together; longer spares the disk.'),
    verifyThreads: count()
      .optional()
      .meta({ defaultText: 'one less than the cores' })
      .describe('Threads that check signatures and proofs, where the source is a relay.'),
  },
  check: options => [
    ...sourceProblems(options.source),
    ...patternProblems('--collections', options.collections),
    ...patternProblems('--skip-collections', options.skipCollections),
    ...options.dns
      .filter(server => isIP(server.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')) === 0)
      .map(server => `--dns: "${server}" is no address; try 1.1.1.1 or 127.0.0.1:5353`),
  ],
})

export type SlingshotOptions = OptionsOf<typeof slingshotOptions>

function sourceProblems(sources: readonly string[]): string[] {
  try {
    parseSources(sources)
    return []
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return [`--source: ${error.message}`]
  }
}

/** A namespace has two parts at least; with a name it is an NSID. */
function patternProblems(flag: string, patterns: readonly string[]): string[] {
  return patterns
    .filter(pattern => !isValidNsid(pattern.replace(/\.\*$/, '.name')))
    .map(pattern => `${flag}: "${pattern}" is no collection; try app.bsky.feed.like or app.bsky.graph.*`)
}
