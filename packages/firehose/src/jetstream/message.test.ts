import { loadCorpus, SHARED_DATA_ABSENT } from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import type { CommitEvent } from '../events.ts'
import { readJetstreamMessage } from './message.ts'

const cid = 'bafyreicftwsv77h736dhuqe6mdhbanbxyronlwwoogdqyvjkxkvggubhwy'
const did = 'did:plc:44ybard66vv44zksje25o7dz'
const rev = '3lmxjza3wdo2u'
const at = '3lmxjza3h2i27'

/** A create as production has it, with a record as given. */
function create(record: string, change: (line: string) => string = line => line): string {
  return change(
    `{"did":"${did}","time_us":1783175887535519,"kind":"commit","commit":{"rev":"${rev}","operation":"create","collection":"app.bsky.feed.like","rkey":"${at}","record":${record},"cid":"${cid}"}}`,
  )
}

const read = (line: string) => readJetstreamMessage(Buffer.from(line), 'source')
const recordOf = (line: string): string => {
  const { ops } = read(line) as CommitEvent
  return Buffer.from(ops[0]!.record!).toString()
}

describe('a message', () => {
  it('of a create or update has the record’s bytes as they came', () => {
    const record =
      '{"b":1,"a":{"cid":"x","record":{"y":1},"z":{}},"text":"\\u003c é \\"record\\":{ },\\"cid\\":\\""}'
    expect(read(create(record))).toEqual({
      kind: 'commit',
      did,
      source: 'source',
      timeUs: 1783175887535519,
      rev,
      verified: false,
      seq: 0,
      time: '',
      ops: [
        {
          action: 'create',
          collection: 'app.bsky.feed.like',
          rkey: at,
          cid,
          record: expect.any(Uint8Array) as Uint8Array,
        },
      ],
    })
    expect(recordOf(create(record))).toBe(record)
    expect(recordOf(create(record, line => line.replace('"create"', '"update"')))).toBe(record)
    expect(recordOf(create('{}'))).toBe('{}')
  })

  it('is read though fields stand in another order, or with spaces', () => {
    const inner = '{"subject":{"uri":"at://x"},"cid":"bafy"}'
    const orders = [
      `{"kind":"commit","commit":{"cid":"${cid}","record":${inner},"operation":"create","rkey":"${at}","collection":"a.b.c","rev":"${rev}"},"time_us":5,"did":"${did}"}`,
      `{"did":"${did}","time_us":5,"kind":"commit","commit":{"record":${inner},"cid":"${cid}","operation":"create","rkey":"${at}","collection":"a.b.c","rev":"${rev}"}}`,
      JSON.stringify(JSON.parse(create(inner)), undefined, 2),
    ]
    for (const line of orders) expect(recordOf(line)).toBe(inner)
    // A field of that name elsewhere is none of the commit's.
    const elsewhere = `{"other":{"record":{"no":1},"cid":""},"did":"${did}","time_us":5,"kind":"commit","commit":{"cid":"${cid}","operation":"create","rkey":"${at}","collection":"a.b.c","rev":"${rev}","record":{"a":1}}}`
    expect(recordOf(elsewhere)).toBe('{"a":1}')
  })

  it('of a delete has no record', () => {
    const line = `{"did":"${did}","time_us":5,"kind":"commit","commit":{"rev":"${rev}","operation":"delete","collection":"a.b.c","rkey":"x~y"}}`
    expect(read(line)).toMatchObject({ ops: [{ action: 'delete', rkey: 'x~y', cid: null, record: null }] })
  })

  it('of an account or identity has what the relay said', () => {
    const time = '2026-07-04T14:38:07.517Z'
    expect(
      read(
        `{"did":"${did}","time_us":5,"kind":"account","account":{"active":false,"did":"${did}","seq":9,"status":"takendown","time":"${time}"}}`,
      ),
    ).toEqual({
      kind: 'account',
      did,
      source: 'source',
      timeUs: 5,
      seq: 9,
      time,
      active: false,
      status: 'takendown',
    })
    const identity = (handle: string): string =>
      `{"did":"${did}","time_us":5,"kind":"identity","identity":{"did":"${did}"${handle},"seq":9,"time":"${time}"}}`
    expect(read(identity(',"handle":"a.test"'))).toMatchObject({
      kind: 'identity',
      seq: 9,
      time,
      handle: 'a.test',
    })
    expect(read(identity(''))).toMatchObject({ handle: undefined })
    expect(read(identity(',"handle":"\\"},{\\""'))).toMatchObject({ handle: undefined })
  })

  it.each(['{"kind":"cursor","time_us":5}', '{"kind":"sync","did":"x","time_us":5}', '{}', '{"kind":5}'])(
    'that is no event is nothing: %s',
    line => expect(read(line)).toBeUndefined(),
  )

  it.each([
    ['no JSON', 'hello'],
    ['no object', '[]'],
    ['null', 'null'],
    ['cut short', create('{"a":1}').slice(0, -2)],
    ['no time', create('{}', line => line.replace('"time_us":1783175887535519,', ''))],
    ['a time that is no number', create('{}', line => line.replace('1783175887535519', '"5"'))],
    ['a time too large', create('{}', line => line.replace('1783175887535519', '1e300'))],
    ['no DID', create('{}', line => line.replace(did, 'alice'))],
    ['an empty commit', `{"did":"${did}","time_us":5,"kind":"commit","commit":{}}`],
    ['no commit', `{"did":"${did}","time_us":5,"kind":"commit"}`],
    ['an unknown operation', create('{}', line => line.replace('"create"', '"upsert"'))],
    ['a rev that is none', create('{}', line => line.replace(rev, 'x"y'))],
    ['a path that is none', create('{}', line => line.replace(at, 'a/b'))],
    ['a CID that is none', create('{}', line => line.replace(cid, 'cid'))],
    ['no CID', create('{}', line => line.replace(`,"cid":"${cid}"`, ''))],
    ['no record', create('{}', line => line.replace('"record":{},', ''))],
    ['null for a record', create('null')],
    ['a list for a record', create('[]')],
    [
      'an account event of two accounts',
      `{"did":"${did}","time_us":5,"kind":"account","account":{"active":true,"did":"${did}a","seq":1,"time":"2026-07-04T00:00:00Z"}}`,
    ],
    [
      'an account without active',
      `{"did":"${did}","time_us":5,"kind":"account","account":{"seq":1,"time":"2026-07-04T00:00:00Z"}}`,
    ],
    [
      'an identity without seq',
      `{"did":"${did}","time_us":5,"kind":"identity","identity":{"time":"2026-07-04T00:00:00Z"}}`,
    ],
    [
      'an identity without a time',
      `{"did":"${did}","time_us":5,"kind":"identity","identity":{"seq":1,"time":"soon"}}`,
    ],
  ])('with %s is refused', (_, line) => {
    expect(() => read(line)).toThrow(TypeError)
  })

  it('of production is read, every record byte for byte', async context => {
    const corpus = await loadCorpus()
    context.skip(corpus === undefined, SHARED_DATA_ABSENT)
    for (const line of corpus!.expectedV1) {
      const event = read(line) as CommitEvent
      const { action, collection, rkey, cid: of, record } = event.ops[0]!
      const rest = record ? `,"record":${Buffer.from(record).toString()},"cid":"${of}"` : ''
      const commit = `{"rev":"${event.rev}","operation":"${action}","collection":"${collection}","rkey":"${rkey}"${rest}}`
      expect(`{"did":"${event.did}","time_us":${event.timeUs},"kind":"commit","commit":${commit}}`).toBe(line)
    }
  })
})
