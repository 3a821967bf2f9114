import { createHttp, createLogger, createMetrics } from '@orrery/server'
import { expect, it } from 'vitest'
import { noProgress, startMs } from '../store/testing/test-index.ts'
import { openTestedSqlite } from '../store/testing/tested-sqlite.ts'
import { addRoutes } from './routes.ts'

it('answers what takes long 503 and when to come again, where too many wait', async () => {
  await using store = await openTestedSqlite({ nearSteps: 0 })
  const links = [
    { path: '.subject', target: 'did:plc:liked' },
    { path: '.list', target: 'did:plc:other' },
  ]
  const record = { did: 'did:plc:a', collection: 'app.bsky.graph.listitem', rkey: 'key' }
  await store.writer.apply([{ kind: 'put', record, rev: '', links }], noProgress, startMs)
  await using app = await createHttp({
    logger: createLogger({ name: 'test', level: 'silent' }),
    metrics: createMetrics({ process: false }),
    version: '0.0.0',
    health: () => ({ status: 'ok', lagMs: 0, cursor: null }),
  })
  addRoutes(app, { reader: store.reader, version: '0.0.0' })
  const query = 'subject=did:plc:liked&source=app.bsky.graph.listitem:subject&pathToOther=list'
  for (const path of [
    `/xrpc/blue.microcosm.links.getManyToMany?${query}`,
    `/xrpc/blue.microcosm.links.getManyToManyCounts?${query}`,
    ...['/links/sources', '/links/all', '/links/all/count'].map(route => `${route}?target=did:plc:liked`),
  ]) {
    const responses = await Promise.all(Array.from({ length: 20 }, () => app.inject(path)))
    const refused = responses.filter(({ statusCode }) => statusCode !== 200)
    expect(refused.length).toBe(12)
    for (const response of refused) {
      expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5'])
      expect(response.json()).toMatchObject({ error: 'ServiceUnavailable' })
    }
  }
})
