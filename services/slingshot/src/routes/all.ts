import { postRecords } from './batch.ts'
import type { Endpoint } from './endpoint.ts'
import { hydrateQueryResponse } from './hydrate.ts'
import {
  refreshIdentity,
  resolveDid,
  resolveHandle,
  resolveIdentity,
  resolveMiniDoc,
  resolveService,
} from './identities.ts'
import { getProof } from './proof.ts'
import { getRecord, getRecordByUri } from './records.ts'

/** All that the service answers, in the order of the documentation. */
export const endpoints: readonly Endpoint[] = [
  getRecord,
  getRecordByUri,
  postRecords,
  getProof,
  resolveMiniDoc,
  resolveHandle,
  resolveDid,
  resolveIdentity,
  refreshIdentity,
  resolveService,
  hydrateQueryResponse,
]
