import type { Endpoint } from './endpoint.ts'
import { moreEndpoints } from './more.ts'
import { olderEndpoints } from './older.ts'
import { xrpcEndpoints } from './xrpc.ts'

/** Every endpoint that answers GET with JSON or a page, in the order of the documentation. */
export const endpoints: readonly Endpoint[] = [...xrpcEndpoints, ...moreEndpoints, ...olderEndpoints]
