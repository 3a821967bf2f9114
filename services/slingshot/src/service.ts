import { join } from 'node:path'
import { followerHealth, openFollower } from '@orrery/firehose/service'
import { createGuardedFetch } from '@orrery/identity'
import {
  createClientAddress,
  createHttp,
  type Health,
  listen,
  listenMetrics,
  type ServiceContext,
} from '@orrery/server'
import { lockFolder } from '@orrery/storage'
import { RecordCache } from './cache/cache.ts'
import { createTrust } from './cache/trust.ts'
import { zeroChangeStats } from './changes.ts'
import { chooseCollections } from './collections.ts'
import { createFetchRecord, fetchOutcomes, type FetchStats } from './fetch/fetch-record.ts'
import { createHosts } from './fetch/hosts.ts'
import { openIdentities } from './identities.ts'
import { ingest } from './ingest.ts'
import { addMetrics } from './metrics.ts'
import type { SlingshotOptions } from './options.ts'
import { addRoutes } from './routes/routes.ts'
import { openSqliteStore } from './store/sqlite.ts'

export { type SlingshotOptions, slingshotOptions } from './options.ts'

/** A running Slingshot. */
export interface Slingshot extends AsyncDisposable {
  /** Where it serves, `http://host:port`. */
  readonly url: string
  readonly metricsUrl: string
  health(): Health
  /** Whether what is cached is believed; until then records are asked for again. */
  isTrusted(): boolean
}

/** How often it is looked at whether the source is kept up with, milliseconds. */
const lookEveryMs = 250

/** Between two steps of tidying up, so that ingest gets its turns, milliseconds. */
const tidyPauseMs = 20

/** Of one PDS, at a time: large ones serve half a million accounts. */
const perHost = { perHostConcurrency: 16, maxWaitingPerHost: 128 }

/**
 * Starts the service: source → cache → HTTP, with PDSes, PLC and DNS behind what is not in the cache. It serves at once,
 * and follows its source in the background, for as long as that takes to be reached.
 */
export async function startSlingshot(context: ServiceContext<SlingshotOptions>): Promise<Slingshot> {
  const { options, logger, metrics, version, fail } = context
  await using cleanUp = new AsyncDisposableStack()
  const stop = new AbortController()
  cleanUp.defer(() => stop.abort())
  const signal = AbortSignal.any([context.signal, stop.signal])

  cleanUp.use(lockFolder(options.dataDir))
  const { allowPrivateHosts, fetchTimeout: timeoutMs } = options
  const store = cleanUp.use(
    await openSqliteStore({ folder: options.dataDir, budgetBytes: options.disk, onFailure: fail }),
  )
  const { reader, writer, progress } = store
  const identityBytes = options.identityMemory
  const follower = cleanUp.use(
    await openFollower({ options, logger, version, progress, signal, fail, identityBytes }),
  )
  const { firehose, identity } = follower
  const outbound = { allowPrivateHosts, timeoutMs, userAgent: `orrery/${version}`, maxWaitMs: timeoutMs }
  const pdsFetch = cleanUp.use(createGuardedFetch({ ...outbound, ...perHost, concurrency: 128 }))
  const proxyFetch = cleanUp.use(createGuardedFetch({ ...outbound, ...perHost, maxRedirects: 0 }))
  const { directory, handles } = cleanUp.use(
    openIdentities({
      file: join(options.dataDir, 'handles.sqlite'),
      options,
      identity,
      logger,
      version,
      fail,
    }),
  )

  const hosts = createHosts(pdsFetch, {
    maxUnderway: perHost.perHostConcurrency + perHost.maxWaitingPerHost,
  })
  const trust = createTrust({ status: () => firehose.status(), maxLagMs: options.maxLag })
  const fetches = Object.fromEntries(fetchOutcomes.map(outcome => [outcome, 0])) as FetchStats
  const cache = new RecordCache({
    reader,
    writer,
    trust,
    fetchRecord: createFetchRecord({
      directory,
      hosts,
      timeoutMs,
      maxBytes: options.maxRecord,
      checkCid: options.checkCid,
      verify: options.verifyFetched,
      stats: fetches,
    }),
    memoryBytes: options.memory,
    maxLagMs: options.maxLag,
    refusalMs: options.refusalTtl,
    timeoutMs,
    refusalOf(did) {
      const pds = identity.cached(did)?.pds
      return pds === undefined ? undefined : hosts.refusal(pds)
    },
  })

  const health = followerHealth(firehose)
  const http = cleanUp.use(
    await createHttp({ logger, metrics, version, health, trustProxy: options.trustProxy }),
  )
  let refused = 0
  addRoutes(http, {
    context: { cache, directory, hosts, proxyFetch, timeoutMs, maxRecordBytes: options.maxRecord },
    rateLimit: {
      perSecond: options.rateLimit,
      burst: options.rateBurst,
      onRefused: () => refused++,
      addressOf: createClientAddress(options.trustProxy),
    },
    version,
    numbers: () => ({ ...reader.stats(), entriesInMemory: cache.gauges().entries }),
    didWebDomain: options.didWebDomain,
  })
  const changes = zeroChangeStats()
  addMetrics(metrics, {
    firehose,
    identity,
    handles,
    directory,
    cache,
    trust,
    changes,
    fetches,
    hosts,
    store: () => reader.stats(),
    refused: () => refused,
  })
  const metricsListener = cleanUp.use(await listenMetrics({ metrics, listen: options.metricsListen, logger }))
  const { url } = await listen(http, options.listen)

  let tidying: Promise<void> | undefined
  /** Removes what is left of deleted accounts, a step at a time. One run at a time; a deletion during it prolongs it. */
  const tidyUp = (): void => {
    tidying ??= (async () => {
      while (!signal.aborted && (await writer.tidy())) await pause(tidyPauseMs)
    })()
      .catch(fail)
      .finally(() => (tidying = undefined))
  }
  tidyUp()
  const working = ingest({
    firehose,
    cache,
    directory,
    trust,
    wants: chooseCollections(options.collections, options.skipCollections),
    maxRecordBytes: options.maxRecord,
    stats: changes,
    logger,
    signal,
    commitIntervalMs: options.commitInterval,
    onDeleted: tidyUp,
  }).catch(fail)
  const looking = setInterval(() => trust.look(false), lookEveryMs)
  cleanUp.defer(async () => {
    clearInterval(looking)
    stop.abort()
    await working
    await tidying
  })

  logger.info({ url, metrics: metricsListener.url }, 'serving')
  const owned = cleanUp.move()
  return {
    url,
    metricsUrl: metricsListener.url,
    health,
    isTrusted: () => trust.isCurrent,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}
