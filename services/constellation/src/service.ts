import type { Gap } from '@orrery/firehose'
import { followerHealth, openFollower } from '@orrery/firehose/service'
import { createHttp, type Health, listen, listenMetrics, type ServiceContext } from '@orrery/server'
import { lockFolder } from '@orrery/storage'
import { zeroChangeStats } from './changes.ts'
import { chooseCollections } from './collections.ts'
import { openHandles } from './handles.ts'
import { importEvents } from './import.ts'
import { ingest } from './ingest.ts'
import { addMetrics } from './metrics.ts'
import type { ConstellationOptions } from './options.ts'
import { addRoutes } from './routes/routes.ts'
import type { IndexStats } from './store.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { createTidier } from './tidy.ts'

export { type ConstellationOptions, constellationOptions } from './options.ts'

/** A running Constellation. */
export interface Constellation extends AsyncDisposable {
  /** Where it serves, `http://host:port`. */
  readonly url: string
  readonly metricsUrl: string
  health(): Health
}

/** How old what metrics tell of the index may be, milliseconds. */
const statsEveryMs = 15_000

/**
 * Starts the service: source → links → index → HTTP. It serves what the index has at once, and follows its source in the
 * background, for as long as that takes to be reached.
 */
export async function startConstellation(
  context: ServiceContext<ConstellationOptions>,
): Promise<Constellation> {
  const { options, logger, metrics, version, fail } = context
  await using cleanUp = new AsyncDisposableStack()
  const stop = new AbortController()
  cleanUp.defer(() => stop.abort())
  const signal = AbortSignal.any([context.signal, stop.signal])

  cleanUp.use(lockFolder(options.dataDir))
  const store = cleanUp.use(await openSqliteStore({ folder: options.dataDir, onFailure: fail }))
  const { reader, writer, progress } = store
  const follower = cleanUp.use(await openFollower({ options, logger, version, progress, signal, fail }))
  const { firehose, identity, fetch } = follower
  const handles = cleanUp.use(openHandles({ fetch, allowPrivateHosts: options.allowPrivateHosts }))
  const following = followerHealth(firehose)
  let importing = options.import !== undefined
  const health = (): Health => (importing ? { status: 'starting', lagMs: null, cursor: null } : following())

  const http = cleanUp.use(
    await createHttp({ logger, metrics, version, health, trustProxy: options.trustProxy }),
  )
  addRoutes(http, {
    reader,
    version,
    didWebDomain: options.didWebDomain,
    resolveHandle: handle => handles.resolve(handle),
    gaps: (): Gap[] => progress.gaps(100),
  })
  const changes = zeroChangeStats()
  let index: IndexStats | undefined
  addMetrics(metrics, { firehose, identity, changes, index: () => index })
  const metricsListener = cleanUp.use(await listenMetrics({ metrics, listen: options.metricsListen, logger }))
  const { url } = await listen(http, options.listen)

  const wants = chooseCollections(options.collections, options.skipCollections)
  const tidier = createTidier({ writer, logger, signal, fail })
  const working = (async () => {
    tidier.begin()
    const common = { writer, wants, stats: changes, logger, signal }
    if (options.import !== undefined) {
      const summary = await importEvents({ ...common, file: options.import, progress })
      logger.info({ ...summary, file: options.import }, 'imported')
      importing = false
      tidier.begin()
    }
    const { commitInterval: commitIntervalMs } = options
    await ingest({ ...common, firehose, commitIntervalMs, onDeleted: () => tidier.begin() })
  })().catch(fail)
  const telling = setInterval(() => {
    reader.stats().then(stats => (index = stats), fail)
  }, statsEveryMs)
  cleanUp.defer(async () => {
    clearInterval(telling)
    stop.abort()
    await working
    await tidier.atRest
  })

  logger.info({ url, metrics: metricsListener.url }, 'serving')
  const owned = cleanUp.move()
  return { url, metricsUrl: metricsListener.url, health, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
