import {
  checkHandle,
  createDnsTxtLookup,
  createHandleResolver,
  createHandleSource,
  type GuardedFetch,
  type HandleSource,
  IdentityError,
} from '@orrery/identity'
import type { ResolveHandle } from './params/subject.ts'

/** How long a request waits for a handle, milliseconds. What comes later is there for the next one. */
const waitMs = 3_000

/** Handles that are remembered: some 4 MB. */
const maxEntries = 20_000

/** Resolves the handles in subjects, by DNS and HTTPS; bounded in time and number, and remembered in memory for a day. */
export interface Handles extends AsyncDisposable {
  readonly resolve: ResolveHandle
}

/** Opens the handles of the network. `.test` ones are looked for only where private hosts may be asked. */
export function openHandles(options: { fetch: GuardedFetch; allowPrivateHosts: boolean }): Handles {
  const source = createHandleSource({ txt: createDnsTxtLookup(), fetch: options.fetch })
  return createHandles(source, { allowTest: options.allowPrivateHosts })
}

/** The same over any source. */
export function createHandles(source: HandleSource, options: { allowTest?: boolean } = {}): Handles {
  const resolver = createHandleResolver({ source, maxEntries })
  return {
    async resolve(text) {
      try {
        const handle = checkHandle(text, options)
        return (await resolver.resolve(handle, { signal: AbortSignal.timeout(waitMs) })).did
      } catch (error) {
        // Whatever it is, it is the network's: nobody told, so nothing is known under another name.
        if (
          error instanceof IdentityError ||
          (error instanceof DOMException && error.name === 'TimeoutError')
        )
          return undefined
        throw error
      }
    },
    [Symbol.asyncDispose]: () => resolver[Symbol.asyncDispose](),
  }
}
