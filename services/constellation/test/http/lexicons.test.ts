import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LexiconDoc, Lexicons, type LexXrpcQuery, parseLexiconDoc } from '@atproto/lexicon'
import { describe, expect, it } from 'vitest'
import { limits } from '../../src/params/limits.ts'
import { xrpcEndpoints } from '../../src/routes/xrpc.ts'
import { did, likes, put, subject } from '../../src/store/testing/test-index.ts'
import { serve } from './served.ts'

const folder = join(import.meta.dirname, '../../../../lexicons/blue/microcosm/links')
const docs = globSync('*.json', { cwd: folder }).map((file): LexiconDoc =>
  parseLexiconDoc(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
)

const queryOf = (id: string): LexXrpcQuery => docs.find(doc => doc.id === id)?.defs.main as LexXrpcQuery

const kinds = { text: 'string', number: 'integer', check: 'boolean', list: 'array' } as const

describe('the lexicons', () => {
  it('are those that are served', () => {
    expect(docs.map(({ id }) => `/xrpc/${id}`).toSorted()).toEqual(
      xrpcEndpoints.map(({ path }) => path).toSorted(),
    )
  })

  it.each(xrpcEndpoints.map(({ path, params }) => [path.slice('/xrpc/'.length), params] as const))(
    '%s has the parameters that are read',
    (id, params) => {
      const { parameters } = queryOf(id)
      const properties = parameters?.properties ?? {}
      expect(Object.keys(properties).toSorted()).toEqual(params.map(({ name }) => name).toSorted())
      expect(parameters?.required).toEqual(params.filter(param => param.required).map(({ name }) => name))
      for (const { name, kind } of params) {
        const property = properties[name]!
        const { min, max, fallback } = limits.page
        const bounds = {
          number: { minimum: min, maximum: max, default: fallback },
          list: { maxLength: 1000 },
          text: {},
          check: { default: false },
        }
        expect(property).toMatchObject({ type: kinds[kind], ...bounds[kind] })
      }
    },
  )

  it('hold for what is answered, the first page and the last', async () => {
    const lexicons = new Lexicons(docs)
    await using served = await serve()
    const links = [
      { path: likes.path, target: subject },
      { path: '.list', target: 'at://did:plc:lists/app.bsky.graph.list/x' },
    ]
    const second = [links[0]!, { path: '.list', target: 'https://a.example/y' }]
    await served.apply(put('a1', links), put('b1', second), put('c1', links))
    for (const { path } of xrpcEndpoints) {
      let cursor: string | null = ''
      let pages = 0
      while (cursor !== null) {
        const params = { subject, source: 'app.bsky.feed.like:subject.uri', pathToOther: 'list', limit: '1' }
        const body: { cursor?: string | null } = await served.json(path, {
          ...params,
          ...(cursor && { cursor }),
        })
        lexicons.assertValidXrpcOutput(path.slice('/xrpc/'.length), body)
        cursor = body.cursor ?? null
        pages++
      }
      expect(pages).toBe(path.endsWith('Count') ? 1 : path.endsWith('Counts') ? 2 : 3)
    }
    expect(() =>
      lexicons.assertValidXrpcOutput('blue.microcosm.links.getBacklinks', {
        total: 1,
        records: [{ did: did('a') }],
      }),
    ).toThrow('must have the property')
  })
})
