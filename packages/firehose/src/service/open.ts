import { join } from 'node:path'
import {
  createGuardedFetch,
  createIdentityResolver,
  type GuardedFetch,
  type IdentityResolver,
  openDocumentStore,
} from '@orrery/identity'
import { type Logger, rateLimited } from '@orrery/server'
import { isDiskFull } from '@orrery/storage'
import { type Firehose, openFirehose } from '../firehose.ts'
import type { ProgressStore } from '../progress/store.ts'
import type { VerifyMode } from '../relay/keys.ts'
import { parseSources } from '../source.ts'

/** What a service was told on its command line, as `commonOptions` names it. */
export interface FollowerOptions {
  source: readonly string[]
  dataDir: string
  plcUrl: string
  verify: VerifyMode
  allowPrivateHosts: boolean
  merge?: boolean
  verifyThreads?: number | undefined
}

export interface FollowerContext {
  options: FollowerOptions
  logger: Logger
  version: string
  progress: ProgressStore
  signal: AbortSignal
  /** Told of own state that is broken: the process must stop. */
  fail: (error: unknown) => void
  /** Memory for DID documents, bytes. Default 24 MiB. */
  identityBytes?: number
}

/** A firehose with what it stands on, as a service runs it. Disposing ends all of it. */
export interface Follower extends AsyncDisposable {
  readonly firehose: Firehose
  readonly identity: IdentityResolver
  readonly fetch: GuardedFetch
}

/** Opens the firehose that a service's options describe; DID documents are kept in `identity.sqlite` in its folder. */
export async function openFollower(context: FollowerContext): Promise<Follower> {
  const { options, logger, version, progress, signal, fail, identityBytes = 24 * 1024 * 1024 } = context
  const userAgent = `orrery/${version}`
  await using cleanUp = new AsyncDisposableStack()
  const { allowPrivateHosts, plcUrl } = options
  const fetch = cleanUp.use(createGuardedFetch({ allowPrivateHosts, userAgent }))
  const warnFull = rateLimited(logger)
  const store = cleanUp.use(
    openDocumentStore(join(options.dataDir, 'identity.sqlite'), {
      onError(err) {
        if (isDiskFull(err)) warnFull('full', { err }, 'the disk is full: DID documents are not kept')
        else fail(err)
      },
    }),
  )
  const identity = cleanUp.use(
    createIdentityResolver({ plcUrl, fetch, store, userAgent, maxBytes: identityBytes }),
  )
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
  const owned = cleanUp.move()
  return { firehose, identity, fetch, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
