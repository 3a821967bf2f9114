import { invalidRequest, type HttpRequest } from '@orrery/server'
import { z } from 'zod'
import { toUpstreamError } from '../fetch/upstream-error.ts'
import { hydrate } from '../hydrate/hydrate.ts'
import { queryService } from '../hydrate/proxy.ts'
import { findTargets, shapes } from '../hydrate/sources.ts'
import { type Endpoint, jsonType } from './endpoint.ts'

const maxSources = 10

const bodySchema = z.object({
  xrpc: z.string(),
  atproto_proxy: z.string(),
  hydration_sources: z
    .array(z.object({ path: z.string().min(1).max(500), shape: z.enum(shapes) }))
    .max(maxSources),
  params: z.record(z.string(), z.unknown()).default({}),
  authorization: z
    .string()
    .max(8_192)
    .regex(/^[\t -~]*$/)
    .optional(),
  atproto_accept_labelers: z
    .string()
    .max(8_192)
    .regex(/^[\t -~]*$/)
    .optional(),
})

export const hydrateQueryResponse: Endpoint = {
  method: 'POST',
  paths: ['/xrpc/com.bad-example.proxy.hydrateQueryResponse'],
  title: 'A query to another service, with the records that its answer names',
  summary:
    'Asks the service, finds what the sources name in its answer, and puts the records and identities beside it. What is not there in time is `pending`, with where to get it.',
  params: [
    {
      name: 'xrpc',
      required: true,
      summary: 'The NSID of the query, such as `blue.microcosm.links.getBacklinks`.',
    },
    {
      name: 'atproto_proxy',
      required: true,
      summary: 'The service: a DID, `#`, and its id in the document.',
    },
    {
      name: 'hydration_sources',
      required: true,
      summary: `Up to ${maxSources} of \`{path,shape}\`. A path is keys with dots between, \`[]\` behind those of lists: \`records[]\`. Shapes are ${shapes.map(shape => `\`${shape}\``).join(', ')}.`,
    },
    { name: 'params', summary: 'Of the query; lists repeat a parameter.' },
    { name: 'authorization', summary: 'Passed on as the header of that name; nothing is kept.' },
    { name: 'atproto_accept_labelers', summary: 'Passed on as `atproto-accept-labelers`.' },
  ],
  returns:
    '{"output":{},"records":{"at://…":{"status":"found","uri":"at://…","cid":"bafyrei…","value":{}}},"identifiers":{}}',
  errors: ['ServiceNotFound'],
  async run(request, reply, context) {
    const body = readBody(request)
    const deadline = performance.now() + context.timeoutMs
    const signal = AbortSignal.timeout(context.timeoutMs)
    try {
      const { text, output } = await queryService(body, context, signal)
      const targets = findTargets(output, body.hydration_sources)
      context.charge(request, Math.min(100, targets.uris.size + targets.identifiers.size))
      const { records, identifiers } = await hydrate(targets, context, deadline)
      return await reply
        .header('content-type', jsonType)
        .header('cache-control', 'no-store')
        .send(`{"output":${text},"records":${records},"identifiers":${identifiers}}`)
    } catch (error) {
      throw toUpstreamError(error)
    }
  },
}

function readBody({ body }: HttpRequest): z.infer<typeof bodySchema> {
  const read = bodySchema.safeParse(body)
  if (read.success) return read.data
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
  throw invalidRequest(problems.slice(0, 5).join('; '))
}
