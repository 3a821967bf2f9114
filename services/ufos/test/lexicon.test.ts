import { type Account, type Network, startNetwork, waitFor } from '@orrery/testnet'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hrefOf } from '@orrery/server'
import { startTestUfos, type TestUfos } from './harness.ts'

// Lexicons as they are published: a name in DNS, a DID, and a record on a real PDS.

let stack: AsyncDisposableStack
let network: Network
let ufos: TestUfos
let alice: Account
let bob: Account
const asked: string[] = []
const txt: Record<string, readonly string[]> = {}

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  network = stack.use(await startNetwork({ accounts: 2 }))
  ;[alice, bob] = network.accounts as [Account, Account]
  ufos = stack.use(
    await startTestUfos(
      {
        source: network.pds.url.replace('http', 'ws'),
        'plc-url': network.plc.url,
        'allow-private-hosts': true,
      },
      {
        txt(name) {
          asked.push(name)
          return Promise.resolve(txt[name] ?? [])
        },
      },
    ),
  )
}, 60_000)
afterAll(() => stack.disposeAsync())

const publish = (nsid: string, defs: object, id = nsid) =>
  alice.putRecord('com.atproto.lexicon.schema', nsid, {
    $type: 'com.atproto.lexicon.schema',
    lexicon: 1,
    id,
    defs,
  })
const recordOf = (properties: object, required: string[] = []) => ({
  main: { type: 'record', key: 'tid', record: { type: 'object', required, properties } },
})
async function ask(nsid: string) {
  const response = await fetch(ufos.service.url + hrefOf('/lexicon', { nsid }))
  // oxlint-disable-next-line typescript/no-explicit-any
  return { status: response.status, body: (await response.json()) as any }
}

it('is found by DNS, DID and record, and samples are held against it, and what it refers to', async () => {
  txt['_lexicon.notes.test.example'] = ['v=spf1', `did=${alice.did}`]
  txt['_lexicon.test.example'] = [`did=${alice.did}`]
  await publish('example.test.defs', {
    tag: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
  })
  const nsid = 'example.test.notes.note'
  const { uri, cid } = await publish(
    nsid,
    recordOf({ text: { type: 'string', maxLength: 5 }, tag: { type: 'ref', ref: 'example.test.defs#tag' } }, [
      'text',
    ]),
  )
  for (const [i, value] of [
    { text: 'fine' },
    { text: 'too long' },
    {},
    { text: 'tag', tag: { name: 'x' } },
    { text: 'tag', tag: { no: 'x' } },
  ].entries()) {
    await bob.putRecord(nsid, `r${i}`, { $type: nsid, ...value })
  }
  await waitFor(async () => (await ufos.get<unknown[]>('/records', { collection: nsid })).length === 5)
  const { status, body } = await ask(nsid)
  expect(status).toBe(200)
  expect(body).toMatchObject({ nsid, did: alice.did, uri, cid, schema: { lexicon: 1, id: nsid } })
  expect(body.samples).toMatchObject({ checked: 5, valid: 2, error: null })
  expect(body.samples.invalid.map((one: { uri: string }) => one.uri.split('/').at(-1))).toEqual([
    'r4',
    'r2',
    'r1',
  ])
  expect(body.samples.invalid[2].error).toContain('longer than 5')

  const before = asked.length
  expect((await ask(nsid)).status).toBe(200)
  expect(asked).toHaveLength(before)
})

it('says what is missing where there is none', async () => {
  txt['_lexicon.two.example'] = [`did=${alice.did}`, `did=${bob.did}`]
  txt['_lexicon.bad.example'] = ['did=nobody']
  txt['_lexicon.gone.example'] = ['did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa']
  txt['_lexicon.other.example'] = [`did=${alice.did}`]
  await publish('example.other.note', recordOf({}), 'example.other.another')
  for (const [nsid, message] of [
    ['example.none.note', '_lexicon.none.example has no TXT record'],
    ['example.two.note', 'several DIDs'],
    ['example.bad.note', 'no DID'],
    ['example.gone.note', 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['example.other.missing', 'there is no at://'],
    ['example.other.note', 'another NSID'],
  ] as const) {
    const { status, body } = await ask(nsid)
    expect([nsid, status, body.error]).toEqual([nsid, 404, 'LexiconNotFound'])
    expect(body.message).toContain(message)
  }
  await network.pds.stop()
  txt['_lexicon.away.example'] = [`did=${alice.did}`]
  const { status, body } = await ask('example.away.note')
  expect([status, body.error]).toEqual([502, 'UpstreamFailure'])
  expect(ufos.failures).toEqual([])
})
