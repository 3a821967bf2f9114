export { parseDid } from './did/did.ts'
export type { ParsedDid } from './did/did.ts'
export { parseDidDocument } from './did/did-document.ts'
export type { DocumentFields, Identity } from './did/did-document.ts'
export { IdentityError, identityErrorCodes } from './errors.ts'
export type { IdentityErrorCode, IdentityErrorDetails } from './errors.ts'
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
export type { Lookup } from './http/lookup.ts'
export { createIdentityResolver } from './resolver/identity-resolver.ts'
export type {
  IdentityResolver,
  IdentityResolverOptions,
  IdentityResolverStats,
} from './resolver/identity-resolver.ts'
export type { DocumentCacheStats } from './resolver/document-cache.ts'
export type { DocumentStore, DocumentStoreStats, StoredDocument } from './store/document-store.ts'
export { createMemoryDocumentStore } from './store/memory.ts'
export { openDocumentStore } from './store/sqlite.ts'
export type { SqliteDocumentStoreOptions } from './store/sqlite.ts'
