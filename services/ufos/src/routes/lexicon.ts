import { HttpError } from '@orrery/server'
import { validateSamples } from '../lexicon/validate.ts'
import { checkNsid, required } from '../params/query.ts'
import { answer, type Endpoint } from './endpoint.ts'
import { arrayOf, object, text, whole } from './schemas.ts'

/** Samples that are held against a lexicon. */
const samplesChecked = 42
const maxBytes = 4 * 1024 * 1024

export const lexicon: Endpoint = {
  path: '/lexicon',
  title: 'The published lexicon of a collection',
  summary:
    'What the authority of an NSID publishes: the DID in the TXT record `_lexicon`, and its record in `com.atproto.lexicon.schema`. `samples` says whether the newest records fit it; lexicons that it refers to are looked up too.',
  params: [
    {
      name: 'nsid',
      required: true,
      summary: 'The NSID.',
      schema: { type: 'string' },
      example: 'app.bsky.feed.post',
    },
  ],
  answer: object({
    nsid: text,
    did: text,
    uri: text,
    cid: { type: ['string', 'null'] },
    schema: { type: 'object' },
    samples: object({
      checked: whole,
      valid: whole,
      invalid: arrayOf(object({ uri: text, error: text })),
      error: { type: ['string', 'null'] },
    }),
  }),
  errors: {
    404: 'Nobody published one; the message says what is missing.',
    502: 'It could not be had; asking again later may help.',
  },
  async run(query, { reader, lexicons }) {
    const nsid = checkNsid(required(query, 'nsid'))
    const found = await lexicons.resolve(nsid)
    if (!('schema' in found)) {
      throw found.isFailure
        ? new HttpError(502, 'UpstreamFailure', found.message)
        : new HttpError(404, 'LexiconNotFound', found.message)
    }
    const samples = await reader.samples({ collections: [nsid], limit: samplesChecked, maxBytes })
    const validation = await validateSamples(found, samples, one => lexicons.resolve(one))
    return answer({ ...found, samples: validation })
  },
}
