import { join } from 'node:path'
import { type Firehose, openFirehose, parseSources, prepareReadProgress } from '@orrery/firehose'
import { createGuardedFetch, createIdentityResolver, openDocumentStore } from '@orrery/identity'
import {
  createHttp,
  createRateLimiter,
  type Health,
  Hub,
  listen,
  listenMetrics,
  type ServiceContext,
  rateLimited,
} from '@orrery/server'
import { lockFolder, openDatabase } from '@orrery/storage'
import { ingest } from './ingest.ts'
import { addMetrics } from './metrics.ts'
import type { JetstreamOptions } from './options.ts'
import { addHome } from './routes/home.ts'
import { addSubscribe } from './routes/subscribe.ts'
import { maxClientMessageBytes } from './subscribe/message.ts'
import { openSqliteEventLog } from './store/sqlite.ts'
import { startCompressor } from './zstd/compressor.ts'
import { loadDictionary } from './zstd/dictionary.ts'

export { type JetstreamOptions, jetstreamOptions } from './options.ts'

/** A running Jetstream. */
export interface Jetstream extends AsyncDisposable {
  /** Where it serves, `http://host:port`. */
  readonly url: string
  readonly metricsUrl: string
  health(): Health
}

/** A lag beyond this is not healthy, milliseconds. */
const healthyLagMs = 60_000

/** From how far the log may be ahead of the clock before it is worth a word, milliseconds. */
const aheadWarnMs = 60_000

/** Lists of 10,000 DIDs stand in the query. The servers that clients come from take a megabyte. */
const maxHeaderBytes = 1024 * 1024

const retentionEveryMs = 30_000
const dictionaryEveryMs = 10 * 60_000

/**
 * Starts the service: source → log → subscribers. It serves what the log has at once, and follows its source in the
 * background, for as long as that takes to be reached.
 */
export async function startJetstream(context: ServiceContext<JetstreamOptions>): Promise<Jetstream> {
  const { options, logger, metrics, version, fail } = context
  await using cleanUp = new AsyncDisposableStack()
  const stop = new AbortController()
  cleanUp.defer(() => stop.abort())
  const signal = AbortSignal.any([context.signal, stop.signal])
  const userAgent = `orrery/${version}`

  cleanUp.use(lockFolder(options.dataDir))
  const log = cleanUp.use(
    await openSqliteEventLog({
      folder: options.dataDir,
      durability: options.durability,
      recentBytes: options.memoryForRecent,
      replayBytes: options.memoryForReplay,
      onFailure: fail,
      onProblem: problem => logger.warn({ problem }, 'the log could not be tidied up; trying again'),
    }),
  )
  const aheadMs = log.last / 1000 - Date.now()
  if (aheadMs > aheadWarnMs) {
    logger.warn(
      { newest: new Date(log.last / 1000), aheadSeconds: Math.round(aheadMs / 1000) },
      'the newest event is later than the clock; is the clock right? Until it has caught up, times go on from there by a microsecond an event',
    )
  }
  const fetch = cleanUp.use(createGuardedFetch({ allowPrivateHosts: options.allowPrivateHosts, userAgent }))
  const documents = cleanUp.use(
    openDocumentStore(join(options.dataDir, 'identity.sqlite'), { onError: fail }),
  )
  const identity = cleanUp.use(
    createIdentityResolver({
      plcUrl: options.plcUrl,
      fetch,
      store: documents,
      userAgent,
      maxBytes: 24 * 1024 * 1024,
    }),
  )
  const compressor = cleanUp.use(await startCompressor(fail))
  const hub = cleanUp.use(
    new Hub({
      log,
      limiter: createRateLimiter(options.maxEventsPerIp),
      heartbeat: position => `{"kind":"cursor","time_us":${position}}`,
      stallMs: options.slowTimeout,
      onFailure: fail,
    }),
  )

  const progressDb = openDatabase(join(options.dataDir, 'state.sqlite'), { readonly: true })
  cleanUp.defer(() => {
    progressDb.close()
  })
  const progress = prepareReadProgress(progressDb)
  const warnDrop = rateLimited(logger, { intervalMs: 10_000 })
  const firehose = cleanUp.use(
    await openFirehose({
      sources: parseSources(options.source),
      merge: options.merge,
      verify: options.verify,
      identity,
      progress,
      signal,
      threads: options.verifyThreads,
      userAgent,
      onNotice: ({ level, source, message }) => logger[level]({ source }, message),
      onDrop: (reason, did, detail) => {
        // Replays are what reconnecting is made of.
        if (reason !== 'replay') warnDrop(reason, { reason, did, detail }, 'dropped an event')
      },
    }),
  )

  const health = createHealth(firehose)
  const http = cleanUp.use(
    await createHttp({
      logger,
      metrics,
      version,
      health,
      trustProxy: options.trustProxy,
      maxHeaderBytes,
      maxPayload: maxClientMessageBytes,
    }),
  )
  addHome(http, version)
  const subscribeStats = addSubscribe(http, {
    hub,
    log,
    compressor,
    maxConnections: options.maxConnections,
    maxConnectionsPerIp: options.maxConnectionsPerIp,
    logger,
    now: Date.now,
  })
  const committed = addMetrics(metrics, { firehose, hub, log, identity, subscribeStats })
  const metricsListener = cleanUp.use(await listenMetrics({ metrics, listen: options.metricsListen, logger }))
  const { url } = await listen(http, options.listen)
  // Said before the sockets close by themselves, so that clients are told.
  cleanUp.defer(() => hub[Symbol.asyncDispose]())

  const ingesting = ingest({
    firehose,
    log,
    logger,
    signal,
    commitIntervalMs: options.commitInterval,
    onCommitted(events) {
      committed(events)
      if (events > 0) hub.published()
    },
  }).catch(fail)
  cleanUp.defer(async () => {
    stop.abort()
    await ingesting
  })

  repeat(retentionEveryMs, signal, async () => {
    const { removed } = await log.retain((Date.now() - options.retention) * 1000, options.retentionSize)
    if (removed.length > 0) logger.info({ removed }, 'dropped the oldest hours of the log')
  }).catch(fail)
  const dictionaryOptions = { dataDir: options.dataDir, path: options.zstdDictionary, fetch }
  const findDictionary = async (): Promise<boolean> => {
    const dictionary = await loadDictionary(dictionaryOptions)
    if (!dictionary) return false
    await compressor.useDictionary(dictionary)
    return true
  }
  if (options.zstdDictionary !== undefined) await findDictionary()
  else {
    untilDone(dictionaryEveryMs, signal, async () => {
      if (await findDictionary()) return true
      logger.warn(
        'the zstd dictionary is not to be had now; compressing without it, which clients decode too',
      )
      return false
    }).catch(fail)
  }

  logger.info(
    { subscribe: `${url.replace('http', 'ws')}/subscribe`, metrics: metricsListener.url },
    'serving',
  )
  const owned = cleanUp.move()
  return { url, metricsUrl: metricsListener.url, health, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** `starting` until the service has once been up to date; from then on what is not `ok` is `degraded`. */
function createHealth(firehose: Firehose): () => Health {
  let wasOk = false
  return () => {
    const { state, lagMs, sources } = firehose.status()
    const cursor = sources.find(source => source.connected)?.cursor ?? sources[0]?.cursor ?? null
    const isOk = state === 'live' && (lagMs ?? 0) <= healthyLagMs
    wasOk ||= isOk
    const status = isOk ? 'ok' : wasOk ? 'degraded' : 'starting'
    return { status, lagMs: lagMs === undefined ? null : Math.round(lagMs), cursor }
  }
}

/** Does a job now and then, one at a time. */
async function repeat(everyMs: number, signal: AbortSignal, job: () => Promise<void>): Promise<void> {
  await untilDone(everyMs, signal, async () => {
    await job()
    return false
  })
}

async function untilDone(everyMs: number, signal: AbortSignal, job: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted && !(await job())) {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, everyMs)
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }
}
