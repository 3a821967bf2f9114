import { invalidRequest } from '@orrery/server'
import { readSampleCursor, sampleCursor } from '../params/cursor.ts'
import { all, checkNsid, limit } from '../params/query.ts'
import { type Sample, samplesKept } from '../store.ts'
import type { Endpoint } from './endpoint.ts'
import { collectionParam, cursorParam, limitParam } from './params.ts'
import { arrayOf, sample } from './schemas.ts'

/** Samples of each collection where nothing else is said: of those asked for, and of all. */
const defaults = { asked: 42, all: 12 }

/** Collections in one answer. */
const maxAsked = 100
const maxAll = 1_000

/** About how much JSON one answer has. */
const maxBytes = 16 * 1024 * 1024

export const records: Endpoint = {
  path: '/records',
  title: 'Recent records',
  summary:
    'The newest records, newest first, as they are now: none that was deleted, or of an account that is gone. Of one collection, or with `cursor` (empty for the first page), the header `x-cursor` leads to the next page; without it there is none.',
  params: [
    {
      ...collectionParam(
        `Collections, up to ${maxAsked}: separated by commas, or repeated. Without any, the ${maxAll} that were active last.`,
      ),
      repeatable: true,
    },
    limitParam(
      samplesKept,
      `How many of each collection, ${defaults.asked} if not given, ${defaults.all} without collections; with a cursor, of all together.`,
    ),
    cursorParam,
  ],
  answer: arrayOf(sample),
  async run(query, { reader }) {
    const given = all(query, 'collection')
    const asked = given.flatMap(value => value.split(',')).map(checkNsid)
    if (asked.length > maxAsked)
      throw invalidRequest(`"collection" may name ${maxAsked} collections: ${asked.length}`)
    const size = limit(query, {
      max: samplesKept,
      fallback: given.length > 0 ? defaults.asked : defaults.all,
    })
    const isPaged = query['cursor'] !== undefined
    const before = readSampleCursor(query)
    if (isPaged && given.length === 0) throw invalidRequest('"cursor" needs "collection"')
    const collections = given.length > 0 ? asked : await reader.active(maxAll)
    const found = await reader.samples({ collections, limit: size, before, maxBytes })
    const page = isPaged ? found.slice(0, size) : found
    const last = page.at(-1)
    const hasPages = isPaged || new Set(asked).size === 1
    return {
      json: `[${page.map(wireSample).join(',')}]`,
      headers: hasPages && last ? { 'x-cursor': sampleCursor(last) } : {},
    }
  },
}

/** The record as it was received, without reading it again. */
function wireSample({ json, timeUs, isUpdate, ...sampleOf }: Sample): string {
  const { did, collection, rkey, cid, rev } = sampleOf
  const head = JSON.stringify({ did, collection, rkey }).slice(0, -1)
  const tail = JSON.stringify({ time_us: timeUs, cid, rev, is_update: isUpdate }).slice(1)
  return `${head},"record":${json},${tail}`
}
