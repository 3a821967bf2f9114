import { followerHealth, openFollower } from '@orrery/firehose/service'
import { createDnsTxtLookup, type TxtLookup } from '@orrery/identity'
import {
  createHttp,
  type Health,
  hideCredentials,
  listen,
  listenMetrics,
  type ServiceContext,
} from '@orrery/server'
import { lockFolder } from '@orrery/storage'
import { zeroChangeStats } from './changes.ts'
import { ingest, keepTidy } from './ingest.ts'
import { createLexicons } from './lexicon/lexicons.ts'
import { addMetrics } from './metrics.ts'
import type { UfosOptions } from './options.ts'
import { addRoutes } from './routes/routes.ts'
import type { StoreStats } from './store.ts'
import { openSqliteStore } from './store/sqlite.ts'

export { type UfosOptions, ufosOptions } from './options.ts'

/** Running UFOs. */
export interface Ufos extends AsyncDisposable {
  /** Where it serves, `http://host:port`. */
  readonly url: string
  readonly metricsUrl: string
  health(): Health
}

export interface UfosContext extends ServiceContext<UfosOptions> {
  /** Seam: asks for TXT records. */
  txt?: TxtLookup
}

/** How old what metrics tell of the store may be, milliseconds. */
const statsEveryMs = 15_000

/**
 * Starts the service: source → store → HTTP. It serves what the store has at once, and follows its source in the background,
 * for as long as that takes to be reached.
 */
export async function startUfos(context: UfosContext): Promise<Ufos> {
  const { options, logger, metrics, version, fail } = context
  await using cleanUp = new AsyncDisposableStack()
  const stop = new AbortController()
  cleanUp.defer(() => stop.abort())
  const signal = AbortSignal.any([context.signal, stop.signal])

  cleanUp.use(lockFolder(options.dataDir))
  const { dataDir: folder, maxCollections, maxSamples: samplesBytes } = options
  const store = cleanUp.use(await openSqliteStore({ folder, maxCollections, samplesBytes, onFailure: fail }))
  const { reader, writer, progress } = store
  const follower = cleanUp.use(await openFollower({ options, logger, version, progress, signal, fail }))
  const { firehose, identity, fetch } = follower
  const txt = context.txt ?? createDnsTxtLookup({ servers: options.dns })
  const lexicons = createLexicons({ txt, identity, fetch, ttlMs: options.lexiconTtl })

  const health = followerHealth(firehose)
  const http = cleanUp.use(
    await createHttp({ logger, metrics, version, health, trustProxy: options.trustProxy }),
  )
  const source = options.source.map(hideCredentials).join(', ')
  addRoutes(http, { context: { reader, lexicons, now: Date.now, source, maxCollections }, version })
  const changes = zeroChangeStats()
  let stats: StoreStats | undefined
  addMetrics(metrics, { firehose, identity, changes, lexicons: lexicons.stats, store: () => stats })
  const metricsListener = cleanUp.use(await listenMetrics({ metrics, listen: options.metricsListen, logger }))
  const { url } = await listen(http, options.listen)

  const counting = ingest({
    firehose,
    writer,
    stats: changes,
    maxSampleBytes: options.maxSample,
    logger,
    signal,
    commitIntervalMs: options.commitInterval,
  }).catch(fail)
  const tidying = keepTidy({ writer, signal }).catch(fail)
  const telling = setInterval(() => {
    reader.stats().then(now => (stats = now), fail)
  }, statsEveryMs)
  cleanUp.defer(async () => {
    clearInterval(telling)
    stop.abort()
    await counting
    await tidying
  })

  logger.info({ url, metrics: metricsListener.url }, 'serving')
  const owned = cleanUp.move()
  return { url, metricsUrl: metricsListener.url, health, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
