import { pause } from '@orrery/firehose'
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
import { isDiskFull, lockFolder, untilRoom } from '@orrery/storage'
import { zeroChangeStats } from './changes.ts'
import { createEncodings } from './encoding.ts'
import type { Stream } from './entry.ts'
import { ingest } from './ingest.ts'
import { addMetrics } from './metrics.ts'
import type { SpacedustOptions } from './options.ts'
import { addHome } from './routes/home.ts'
import { addSubscribe, type Served } from './routes/subscribe.ts'
import type { Appended } from './store.ts'
import { openSqliteLinkLog } from './store/sqlite.ts'
import { Matcher } from './subscribe/matcher.ts'
import { maxClientMessageBytes } from './subscribe/message.ts'

export { type SpacedustOptions, spacedustOptions } from './options.ts'

/** A running Spacedust. */
export interface Spacedust extends AsyncDisposable {
  /** Where it serves, `http://host:port`. */
  readonly url: string
  readonly metricsUrl: string
  health(): Health
}

/** Thousands of subjects stand in the query. */
const maxHeaderBytes = 1024 * 1024

/** How often it is looked whether something was held long enough. */
const releaseEveryMs = 100
const retentionEveryMs = 30_000
/** Between two steps of telling a deleted account's links. */
const leavingEveryMs = 20

/**
 * Starts the service: source → links → log → subscribers. It serves what the log has at once, and follows its source in the
 * background, for as long as that takes to be reached.
 */
export async function startSpacedust(context: ServiceContext<SpacedustOptions>): Promise<Spacedust> {
  const { options, logger, metrics, version, fail } = context
  await using cleanUp = new AsyncDisposableStack()
  const stop = new AbortController()
  cleanUp.defer(() => stop.abort())
  const signal = AbortSignal.any([context.signal, stop.signal])

  cleanUp.use(lockFolder(options.dataDir))
  const log = cleanUp.use(
    await openSqliteLinkLog({
      folder: options.dataDir,
      delayMs: options.delay,
      recentBytes: options.memoryForRecent,
      onFailure: fail,
    }),
  )
  const limiter = createRateLimiter(options.maxEventsPerIp)
  const warnFull = rateLimited(logger)
  const serve = (stream: Stream): Served => ({
    log: log[stream],
    matcher: new Matcher(stream),
    hub: cleanUp.use(
      new Hub({
        log: log[stream],
        limiter,
        heartbeat: position => `{"kind":"cursor","time_us":${position}}`,
        stallMs: options.slowTimeout,
        onFailure(err) {
          if (isDiskFull(err))
            warnFull('full', { err }, 'the disk is full: a replay that takes room was refused')
          else fail(err)
        },
      }),
    ),
  })
  const served = { instant: serve('instant'), delayed: serve('delayed') }

  const { progress } = log
  const follower = cleanUp.use(await openFollower({ options, logger, version, progress, signal, fail }))
  const { firehose, identity } = follower
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
  const { maxConnections, maxConnectionsPerIp } = options
  const subscribeStats = addSubscribe(http, {
    served,
    maxConnections,
    maxConnectionsPerIp,
    now: Date.now,
    encodingFor: createEncodings(options.keepRecords > 0 ? positions => log.bodies(positions) : undefined),
  })
  const changes = zeroChangeStats()
  const count = addMetrics(metrics, { firehose, identity, changes, log, served, subscribeStats })
  const metricsListener = cleanUp.use(await listenMetrics({ metrics, listen: options.metricsListen, logger }))
  const { url } = await listen(http, options.listen)
  // Said before the sockets close by themselves, so that clients are told.
  for (const { hub } of Object.values(served)) cleanUp.defer(() => hub[Symbol.asyncDispose]())

  let isMoreLeft = true
  const onAppended = (appended: Appended): void => {
    count(appended)
    isMoreLeft = appended.isMoreLeft
    if (appended.entries > 0) served.instant.hub.published()
  }
  const ingesting = ingest({
    firehose,
    log,
    stats: changes,
    keepsRecords: options.keepRecords > 0,
    logger,
    signal,
    commitIntervalMs: options.commitInterval,
    onAppended,
  }).catch(fail)
  const leaving = repeat(leavingEveryMs, signal, async () => {
    if (isMoreLeft)
      await untilRoom(async () => onAppended(await log.append([], undefined)), {
        logger,
        signal,
        stopped: 'forgetting deleted accounts has stopped',
      })
  }).catch(fail)
  const retaining = repeat(retentionEveryMs, signal, async () => {
    const before = (ms: number): number => (Date.now() - ms) * 1000
    const { retention, keepRecords, forwardIndex = retention, delay } = options
    const recordsUs = forwardIndex === 'forever' ? 0 : before(Math.max(forwardIndex, delay))
    const bodiesUs = before(keepRecords === 0 ? 0 : Math.max(keepRecords, delay))
    await untilRoom(() => log.retain({ logUs: before(retention), recordsUs, bodiesUs }), {
      logger,
      signal,
      stopped: 'making room by age has stopped',
    })
  }).catch(fail)
  const releasing = setInterval(() => {
    if (log.release()) served.delayed.hub.published()
  }, releaseEveryMs)
  cleanUp.defer(async () => {
    clearInterval(releasing)
    stop.abort()
    await Promise.all([ingesting, leaving, retaining])
  })

  logger.info(
    { subscribe: `${url.replace('http', 'ws')}/subscribe`, metrics: metricsListener.url },
    'serving',
  )
  const owned = cleanUp.move()
  return { url, metricsUrl: metricsListener.url, health, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Does a job now and then, one at a time. */
async function repeat(everyMs: number, signal: AbortSignal, job: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await job()
    await pause(everyMs, signal)
  }
}
