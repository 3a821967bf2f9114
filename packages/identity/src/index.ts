export { parseDid } from './did/did.ts'
export type { ParsedDid } from './did/did.ts'
export { parseDidDocument } from './did/did-document.ts'
export type { DocumentFields, Identity } from './did/did-document.ts'
export { findServiceEndpoint } from './did/service.ts'
export { createDirectory, invalidHandle } from './directory/directory.ts'
export type { Directory, DirectoryOptions, DirectoryStats, MiniDoc } from './directory/directory.ts'
export { IdentityError, identityErrorCodes } from './errors.ts'
export type { IdentityErrorCode, IdentityErrorDetails } from './errors.ts'
export { createDohTxtLookup } from './handle/doh.ts'
export { checkHandle, siteOf } from './handle/handle.ts'
export { createHandleResolver } from './handle/handle-resolver.ts'
export type { HandleResolver, HandleResolverOptions, HandleResolverStats } from './handle/handle-resolver.ts'
export { createHandleSource } from './handle/handle-source.ts'
export type { HandleSource } from './handle/handle-source.ts'
export { createDnsTxtLookup } from './handle/txt.ts'
export type { TxtLookup } from './handle/txt.ts'
export { isGlobalAddress } from './http/address.ts'
export type { Dial } from './http/connector.ts'
export { createGuardedFetch } from './http/guarded-fetch.ts'
export type {
  GuardedFetch,
  GuardedFetchOptions,
  GuardedFetchStats,
  GuardedRequest,
  GuardedResponse,
} from './http/guarded-fetch.ts'
export { createDnsLookup } from './http/lookup.ts'
export type { Lookup } from './http/lookup.ts'
export { createRefreshQueue } from './refresh/refresh-queue.ts'
export type { RefreshQueue, RefreshQueueOptions, RefreshQueueStats } from './refresh/refresh-queue.ts'
export { createBreaker } from './resolver/breaker.ts'
export type { Breaker } from './resolver/breaker.ts'
export { createFlights } from './resolver/flights.ts'
export type { Flights } from './resolver/flights.ts'
export { createIdentityResolver } from './resolver/identity-resolver.ts'
export type {
  IdentityResolver,
  IdentityResolverOptions,
  IdentityResolverStats,
} from './resolver/identity-resolver.ts'
export type { DocumentCacheStats } from './resolver/document-cache.ts'
export type { DocumentStore, DocumentStoreStats, StoredDocument } from './store/document-store.ts'
export { handlesIn } from './store/handles.ts'
export type { HandleStore, KnownHandle } from './store/handles.ts'
export { createMemoryDocumentStore } from './store/memory.ts'
export { openDocumentStore } from './store/sqlite.ts'
export type { SqliteDocumentStoreOptions } from './store/sqlite.ts'
