import type { Endpoint } from './endpoint.ts'
import { answer } from './endpoint.ts'
import { counts, object, text, whole } from './schemas.ts'
import { wireCounts } from './wire.ts'

export const meta: Endpoint = {
  path: '/meta',
  title: 'The state of the store',
  summary:
    'Where events come from, up to when they are counted, and how much there is. What is counted is in every answer at once, so `rollup_cursor` is always `latest_cursor`. Times are microseconds since 1970.',
  params: [],
  answer: object({
    storage_name: text,
    storage: object({
      keyspace_disk_space: whole,
      rollup_cursor: whole,
      collections: whole,
      max_collections: whole,
      samples: whole,
    }),
    consumer: object({
      jetstream: object({
        endpoint: text,
        started_at: whole,
        latest_cursor: { type: ['integer', 'null'] },
        rollup_cursor: whole,
      }),
    }),
    other: counts,
  }),
  async run(_query, { reader, source, maxCollections }) {
    const { diskBytes, collections, samples, startedAtUs, latestUs, other } = await reader.stats()
    const rollup_cursor = latestUs ?? 0
    return answer({
      storage_name: 'sqlite',
      storage: {
        keyspace_disk_space: diskBytes,
        rollup_cursor,
        collections,
        max_collections: maxCollections,
        samples,
      },
      consumer: {
        jetstream: { endpoint: source, started_at: startedAtUs, latest_cursor: latestUs, rollup_cursor },
      },
      other: wireCounts(other),
    })
  },
}
