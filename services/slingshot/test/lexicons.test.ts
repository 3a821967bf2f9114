import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LexiconDoc, Lexicons } from '@atproto/lexicon'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { endpoints } from '../src/routes/all.ts'
import { startWorld, type TestAccount, type World } from './world.ts'

const folder = join(import.meta.dirname, '../../../lexicons')
const files = globSync('{blue/microcosm/{repo,identity},com/bad-example}/**/*.json', { cwd: folder })
const lexicons = new Lexicons(
  files.map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as LexiconDoc),
)

let world: World
let alice: TestAccount
beforeAll(async () => {
  world = await startWorld()
  alice = world.account('alice')
  alice.write('x', 'one')
  // The test's handle is on no public network, where a lexicon wants one that could be.
  await world.settled()
}, 30_000)
afterAll(() => world[Symbol.asyncDispose]())

it('there is one for every method that atproto has not', () => {
  const ours = endpoints
    .flatMap(({ paths }) => paths)
    .filter(path => /\/xrpc\/(blue|com\.bad-example)\./.test(path))
  const named = files.map(file => `/xrpc/${file.replace('.json', '').replaceAll('/', '.')}`)
  expect(named.toSorted()).toEqual(ours.toSorted())
})

it.each(
  endpoints
    .filter(({ method }) => method === 'GET')
    .flatMap(({ paths }) => paths)
    .filter(path => /\/xrpc\/(blue|com\.bad-example)\./.test(path)),
)('%s takes and answers what its lexicon says', async path => {
  const nsid = path.slice('/xrpc/'.length)
  const all = { at_uri: alice.uri('x'), identifier: alice.did, did: alice.did, id: '#atproto_pds' }
  const main = lexicons.getDefOrThrow(`lex:${nsid}`) as {
    parameters: { properties: Record<string, unknown> }
  }
  const known = Object.keys(main.parameters.properties)
  const params = Object.fromEntries(Object.entries(all).filter(([name]) => known.includes(name)))
  lexicons.assertValidXrpcParams(nsid, params)
  const { status, body } = await world.slingshot.ask(path, params)
  expect(status).toBe(200)
  lexicons.assertValidXrpcOutput(nsid, body)
  const documented = endpoints.find(({ paths }) => (paths as readonly string[]).includes(path))!
  expect(documented.params.map(({ name }) => name).toSorted()).toEqual(known.toSorted())
})
