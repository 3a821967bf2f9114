import {
  createDirectory,
  createDnsLookup,
  createDnsTxtLookup,
  createDohTxtLookup,
  createGuardedFetch,
  createHandleResolver,
  createHandleSource,
  type Directory,
  type HandleResolver,
  handlesIn,
  type IdentityResolver,
  openDocumentStore,
} from '@orrery/identity'
import { type Logger, rateLimited } from '@orrery/server'
import { isDiskFull } from '@orrery/storage'
import type { SlingshotOptions } from './options.ts'

export interface IdentitiesContext {
  /** Where handles are kept. */
  file: string
  options: Pick<SlingshotOptions, 'allowPrivateHosts' | 'dns' | 'dohUrl'>
  identity: IdentityResolver
  logger: Logger
  version: string
  fail: (error: unknown) => void
}

export interface Identities extends AsyncDisposable {
  readonly directory: Directory
  readonly handles: HandleResolver
}

/** Opens the directory of handles and identities, as the service's options describe it. */
export function openIdentities({
  file,
  options,
  identity,
  logger,
  version,
  fail,
}: IdentitiesContext): Identities {
  const { allowPrivateHosts, dns, dohUrl } = options
  const userAgent = `orrery/${version}`
  const stack = new AsyncDisposableStack()
  const warnFull = rateLimited(logger)
  const store = stack.use(
    openDocumentStore(file, {
      onError(err) {
        if (isDiskFull(err)) warnFull('full', { err }, 'the disk is full: handles are not kept')
        else fail(err)
      },
    }),
  )
  // The hosts of handles are looked up where the handles are.
  const lookup = dns.length > 0 ? createDnsLookup({ servers: dns, timeoutMs: 1_000 }) : undefined
  const fetch = stack.use(createGuardedFetch({ allowPrivateHosts, userAgent, lookup, maxWaitMs: 2_000 }))
  // The resolver is the operator's choice, wherever it is.
  const trusted = stack.use(
    createGuardedFetch({ allowPrivateHosts: true, userAgent, perHostConcurrency: 32 }),
  )
  const txt =
    dohUrl === undefined
      ? createDnsTxtLookup({ servers: dns })
      : createDohTxtLookup({ url: dohUrl, fetch: trusted })
  const source = createHandleSource({ txt, fetch })
  const handles = stack.use(createHandleResolver({ source, store: handlesIn(store) }))
  const directory = stack.use(createDirectory({ resolver: identity, handles, allowTest: allowPrivateHosts }))
  return { directory, handles, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
