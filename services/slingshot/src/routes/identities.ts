import { isValidDid, isValidHandle } from '@atproto/syntax'
import { findServiceEndpoint, type Identity, IdentityError } from '@orrery/identity'
import { HttpError, type HttpReply, invalidParameter, invalidRequest } from '@orrery/server'
import { toUpstreamError } from '../fetch/upstream-error.ts'
import { first, required } from '../params/first.ts'
import type { RouteContext } from './context.ts'
import type { Endpoint, Param } from './endpoint.ts'

const aDid = 'did:plc:z72i7hdynmk6r22z27h6tvur'
const identifierParam: Param = {
  name: 'identifier',
  required: true,
  summary: 'A DID or a handle.',
  example: 'bsky.app',
}
const didErrors = ['DidNotFound', 'DidDeactivated', 'InvalidDidDocument']
const infoReturns = '{"did":"did:plc:…","handle":"alice.example.com","didDoc":{"id":"did:plc:…"}}'

export const resolveMiniDoc: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/blue.microcosm.identity.resolveMiniDoc', '/xrpc/com.bad-example.identity.resolveMiniDoc'],
  title: 'What matters of an identity',
  summary:
    'DID, handle, PDS and signing key. The handle is verified both ways; one that is not is `handle.invalid`, and the rest is there all the same.',
  params: [identifierParam],
  returns:
    '{"did":"did:plc:…","handle":"alice.example.com","pds":"https://pds.example.net","signing_key":"zQ3sh…"}',
  errors: [],
  run: (request, reply, context) =>
    answer(reply, context, async signal => {
      const identifier = readIdentifier(required(request, 'identifier'))
      try {
        return await context.directory.miniDoc(identifier, signal)
      } catch (error) {
        const { statusCode, message } = toUpstreamError(error)
        // What the document says, or that there is none, is an answer; only not to have got it is a failure.
        const isAnswer = error instanceof IdentityError && error.code === 'invalid_document'
        if (statusCode < 500 || isAnswer) throw invalidRequest(message)
        throw error
      }
    }),
}

export const resolveHandle: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/com.atproto.identity.resolveHandle'],
  title: 'The DID of a handle',
  summary: 'Verified both ways: the DID’s document must claim the handle.',
  params: [{ name: 'handle', required: true, summary: 'A handle.', example: 'bsky.app' }],
  returns: '{"did":"did:plc:…"}',
  errors: ['HandleNotFound'],
  run: (request, reply, context) =>
    answer(reply, context, async signal => {
      const handle = required(request, 'handle').toLowerCase()
      if (!isValidHandle(handle)) throw invalidRequest('not a valid handle')
      return { did: (await identityOfHandle(handle, context, signal)).did }
    }),
}

export const resolveDid: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/com.atproto.identity.resolveDid'],
  title: 'The document of a DID',
  summary: 'The whole DID document, of did:plc and did:web.',
  params: [{ name: 'did', required: true, summary: 'A DID.', example: aDid }],
  returns: '{"didDoc":{"id":"did:plc:…"}}',
  errors: didErrors,
  run: (request, reply, context) =>
    answer(reply, context, async signal => {
      const { document } = await context.directory.identity(readDid(required(request, 'did')), signal)
      return { didDoc: document }
    }),
}

export const resolveIdentity: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/com.atproto.identity.resolveIdentity'],
  title: 'DID, handle and document',
  summary: 'By DID or by handle. A handle that is not verified is `handle.invalid`.',
  params: [identifierParam],
  returns: infoReturns,
  errors: ['HandleNotFound', ...didErrors],
  run: (request, reply, context) =>
    answer(reply, context, signal => {
      const identifier = readIdentifier(required(request, 'identifier'))
      return identifier.startsWith('did:')
        ? context.directory.identity(identifier, signal).then(identity => infoOf(identity, context, signal))
        : identityOfHandle(identifier, context, signal).then(identity => infoOf(identity, context, signal))
    }),
}

export const refreshIdentity: Endpoint = {
  method: 'POST',
  paths: ['/xrpc/com.atproto.identity.refreshIdentity'],
  title: 'Ask for an identity again',
  summary:
    'For changes that no event told of, such as of a did:web. Asks the network at most once a minute for each DID and handle; then it is a `resolveIdentity`.',
  params: [identifierParam],
  returns: infoReturns,
  errors: ['HandleNotFound', ...didErrors],
  run: (request, reply, context) =>
    answer(reply, context, async signal => {
      const { body } = request
      const given: unknown =
        typeof body === 'object' && body && 'identifier' in body ? body.identifier : undefined
      if (typeof given !== 'string') throw invalidRequest('identifier: must be a DID or a handle')
      return infoOf(await context.directory.refresh(readIdentifier(given), signal), context, signal)
    }),
}

export const resolveService: Endpoint = {
  method: 'GET',
  paths: ['/xrpc/com.bad-example.identity.resolveService'],
  title: 'A service that a DID document names',
  summary: 'The endpoint as the document has it, whatever it is.',
  params: [
    { name: 'did', required: true, summary: 'A DID.', example: aDid },
    { name: 'id', required: true, summary: 'The service’s id, with `#`.', example: '#atproto_pds' },
    { name: 'type', summary: 'The type that it must have.' },
  ],
  returns: '{"endpoint":"https://pds.example.net"}',
  errors: ['ServiceNotFound', 'DidNotFound'],
  run: (request, reply, context) =>
    answer(reply, context, async signal => {
      const did = readDid(required(request, 'did'))
      const id = required(request, 'id')
      if (!/^[^#]*#[^#]+$/.test(id))
        throw invalidParameter('id', 'must be the id of a service, such as #atproto_pds')
      const type = first(request, 'type')
      const endpoint = findServiceEndpoint(await documentOf(did, context, signal), { did, id, type })
      if (endpoint === undefined)
        throw new HttpError(400, 'ServiceNotFound', 'The DID document names no such service')
      return { endpoint }
    }),
}

async function documentOf(did: string, { directory }: RouteContext, signal: AbortSignal): Promise<unknown> {
  try {
    return (await directory.identity(did, signal)).document
  } catch (error) {
    const failure = toUpstreamError(error)
    if (failure.statusCode < 500) throw new HttpError(400, 'DidNotFound', failure.message)
    throw failure
  }
}

async function identityOfHandle(
  handle: string,
  { directory }: RouteContext,
  signal: AbortSignal,
): Promise<Identity> {
  try {
    return await directory.resolveHandle(handle, signal)
  } catch (error) {
    const failure = toUpstreamError(error)
    // Whatever is wrong with the handle or its DID, it is nobody's handle.
    if (failure.statusCode < 500) throw new HttpError(400, 'HandleNotFound', failure.message)
    throw failure
  }
}

async function infoOf(identity: Identity, { directory }: RouteContext, signal: AbortSignal): Promise<object> {
  const { did, document } = identity
  return { did, handle: await directory.verifiedHandle(identity, signal), didDoc: document }
}

/** Sends what `work` answers within the time of a request. @throws HttpError */
async function answer(
  reply: HttpReply,
  { timeoutMs }: RouteContext,
  work: (signal: AbortSignal) => Promise<object>,
): Promise<HttpReply> {
  try {
    const body = await work(AbortSignal.timeout(timeoutMs))
    return await reply.header('cache-control', 'no-store').send(body)
  } catch (error) {
    throw toUpstreamError(error)
  }
}

function readDid(text: string): string {
  if (!isValidDid(text)) throw invalidRequest('not a valid DID')
  return text
}

/** A DID as it is, or a handle in lower case. */
function readIdentifier(text: string): string {
  if (isValidDid(text)) return text
  const handle = text.toLowerCase()
  if (isValidHandle(handle)) return handle
  throw invalidRequest('identifier was not a valid DID or handle')
}
