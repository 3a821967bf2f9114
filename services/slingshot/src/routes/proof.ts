import { badGateway, toUpstreamError } from '../fetch/upstream-error.ts'
import { carType, pdsOf, proofBytes, recordUrl, refusalOf } from '../fetch/fetch-record.ts'
import { readProof } from '../fetch/proof.ts'
import { HttpError, invalidRequest } from '@orrery/server'
import { required } from '../params/first.ts'
import { asKey, checkPlace } from '../params/record.ts'
import type { Endpoint } from './endpoint.ts'

export const getProof: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/com.atproto.sync.getRecord'],
  title: 'A record with its proof',
  summary:
    'What the account’s PDS says of a record, as a CAR with the signed commit and the way through the tree. It is checked, and then passed on as it came; it is never kept.',
  params: [
    { name: 'did', required: true, summary: 'A DID.', example: 'did:plc:z72i7hdynmk6r22z27h6tvur' },
    { name: 'collection', required: true, summary: 'An NSID.', example: 'app.bsky.actor.profile' },
    { name: 'rkey', required: true, summary: 'The record’s key.', example: 'self' },
  ],
  returns: 'a CAR file',
  contentType: carType,
  errors: ['RecordNotFound', 'RepoNotFound', 'RepoDeactivated', 'RepoTakendown', 'InvalidProof'],
  async run(request, reply, { cache, directory, hosts, timeoutMs, maxRecordBytes }) {
    const place = checkPlace(
      required(request, 'did'),
      required(request, 'collection'),
      required(request, 'rkey'),
    )
    const record = asKey(place)
    if (!record) throw invalidRequest('Parameter "did" must be a DID')
    cache.expectActive(record)
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const identity = await directory.identity(record.did, signal)
      const url = recordUrl(pdsOf(identity), 'sync', record)
      const headers = { accept: carType }
      const response = await hosts.ask(url, { signal, headers, maxBytes: maxRecordBytes + proofBytes })
      if (response.status !== 200)
        throw refused(refusalOf(response, parse(response.bytes), Date.now()).refusal)
      await readProof(record, response.bytes, identity, () => directory.refresh(record.did, signal))
      return await reply
        .header('content-type', carType)
        .header('cache-control', 'no-store')
        .send(Buffer.from(response.bytes))
    } catch (error) {
      throw toUpstreamError(error)
    }
  },
}

function refused({ error, message }: { error: string; message: string }): HttpError {
  return new HttpError(400, error, message)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown
  } catch {
    throw badGateway('The PDS answered no JSON')
  }
}
