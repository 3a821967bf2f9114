import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose'
import { followerHealth, openFollower } from '@orrery/firehose/service'
import {
  createHttp,
  createRateLimiter,
  type Health,
  Hub,
  listen,
  listenMetrics,
  rateLimited,
  type ServiceContext,
} from '@orrery/server'
import { isDiskFull, lockFolder, openDatabase } from '@orrery/storage'
import { ingest } from './ingest.ts'
import { addMetrics } from './metrics.ts'
import type { JetstreamOptions } from './options.ts'
import { addHome } from './routes/home.ts'
import { addSubscribe } from './routes/subscribe.ts'
import { maxClientMessageBytes } from './subscribe/message.ts'
import { openSqliteEventLog } from './store/sqlite.ts'
import { createCompressor } from './zstd/compressor.ts'
import { loadDictionary } from './zstd/dictionary.ts'

export { type JetstreamOptions, jetstreamOptions } from './options.ts'

/** A running Jetstream. */
export interface Jetstream extends AsyncDisposable {
  /** Where it serves, `http://host:port`. */
  readonly url: string
  readonly metricsUrl: string
  health(): Health
}

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
  const compressor = cleanUp.use(createCompressor(fail))
  const warnFull = rateLimited(logger)
  const hub = cleanUp.use(
    new Hub({
      log,
      limiter: createRateLimiter(options.maxEventsPerIp),
      heartbeat: position => `{"kind":"cursor","time_us":${position}}`,
      stallMs: options.slowTimeout,
      onFailure(err) {
        if (isDiskFull(err))
          warnFull('full', { err }, 'the disk is full: a replay that takes room was refused')
        else fail(err)
      },
    }),
  )

  const progressDb = openDatabase(join(options.dataDir, 'state.sqlite'), {
    readonly: true,
    cacheBytes: 2 * 1024 * 1024,
  })
  cleanUp.defer(() => {
    progressDb.close()
  })
  const progress = prepareReadProgress(progressDb)
  const follower = cleanUp.use(await openFollower({ options, logger, version, progress, signal, fail }))
  const { firehose, identity, fetch } = follower
  const health = followerHealth(firehose)
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
    compressor.useDictionary(dictionary)
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
