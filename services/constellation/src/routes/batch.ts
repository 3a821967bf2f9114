import type { HttpServer } from '@orrery/server'
import { z } from 'zod'
import { limits } from '../params/limits.ts'
import { parseSource } from '../params/source.ts'
import { checkSubject } from '../params/subject.ts'
import type { EndpointContext } from './endpoint.ts'
import { findKey } from './lists.ts'

export const batchPath = '/links/counts'

const body = z.object({
  pairs: z.array(z.object({ target: z.string(), source: z.string() })).max(limits.pairs),
})

/** `POST /links/counts`: the counts of many pairs of target and source, in their order. */
export function addBatch(app: HttpServer, context: EndpointContext): void {
  app.post(batchPath, { schema: { body } }, async (request, reply) => {
    const asked = request.body.pairs.map(({ target, source }, i) => ({
      subject: checkSubject(target, `pairs.${i}.target`),
      source: parseSource(source, `pairs.${i}.source`),
    }))
    const keys = await Promise.all(asked.map(one => findKey(context, one)))
    const counts = await context.reader.counts(keys)
    const answer = request.body.pairs.map(({ target, source }, i) => ({ target, source, ...counts[i]! }))
    return reply.header('cache-control', 'no-store').send({ counts: answer })
  })
}
