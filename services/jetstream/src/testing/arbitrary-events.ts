import type { FirehoseEvent, RecordOp } from '@orrery/firehose'
import * as fc from 'fast-check'

const didChars = 'abcXYZ019._-:%'
const text = (chars: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from(chars)), minLength, maxLength })

/** DIDs as loose as the syntax allows them. */
export const did: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'did:plc:ewvi7nxzyoun6zhxrhs64oiz',
    'did:web:localhost%3A8080:user_one:%C3%A9',
    'did:web:a.example.com',
    `did:web:${'long.'.repeat(400)}com`,
    'did:x:::a',
  ),
  fc.tuple(text('abz', 1, 8), text(didChars, 0, 60)).map(([method, rest]) => `did:${method}:${rest}x`),
)

export const collection: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'app.bsky.feed.like',
    'app.bsky.feed.post',
    'app.bsky.graph.follow',
    'app.bsky.graph',
    'app.bsky.graphs.x',
    `com.example.${'a'.repeat(63)}`,
    `a-b.${Array.from({ length: 4 }, () => 'x'.repeat(60)).join('.')}.recordName`,
  ),
  fc
    .array(text('abcxyz019', 1, 5), { minLength: 2, maxLength: 5 })
    .map(parts => [...parts.map(part => `a${part}`), 'name'].join('.')),
)

const rev = text('234567abcdefghij', 1, 1).chain(first =>
  text('234567abcdefghijklmnopqrstuvwxyz', 12, 12).map(rest => first + rest),
)
const rkey = fc.oneof(fc.constantFrom('self', '3jzfcijpj2z2a', '~.:_-'), text('aZ09_~.:-', 1, 40))
const cid = text('abcdefghijklmnopqrstuvwxyz234567', 55, 55).map(rest => `bafy${rest}`)

/** Whatever upstream may put in a string that nobody checks. */
const anyText = fc.oneof(
  fc.constantFrom(
    '',
    'a"b',
    '\\',
    '<script>&',
    '\u2028\u2029',
    '\u0000\b\f\n\r\t\u001f\u007f',
    '😀é',
    '"}}',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

/** A string as the wire has it: JSON, and besides what Go's encoder escapes for the sake of HTML. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Keys that `JSON.parse` reads rightly: V8 14.6 takes others for the key `\` once it has seen that behind an empty one. */
const key = anyText.filter(name => name !== '__proto__' && name !== '\\')

/** Records that look like what filters look for. */
const record = fc
  .oneof(
    fc.constantFrom(
      {},
      { $type: 'app.bsky.feed.post', text: '{"did":"did:plc:other","time_us":1,"kind":"account"' },
      { did: 'did:plc:other', commit: { collection: 'com.example.other' } },
    ),
    fc.dictionary(key, fc.oneof(anyText, fc.integer(), fc.boolean())),
  )
  .map(value => Buffer.from(goJson(value)))

const op: fc.Arbitrary<RecordOp> = fc.oneof(
  fc.record({
    action: fc.constantFrom('create' as const, 'update' as const),
    collection,
    rkey,
    cid,
    record,
  }),
  fc.record({
    action: fc.constant('delete' as const),
    collection,
    rkey,
    cid: fc.constant(null),
    record: fc.constant(null),
  }),
)

const base = {
  did,
  time: fc.oneof(fc.constant('2026-08-14T10:00:00.123Z'), anyText),
  seq: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.maxSafeNat()),
  source: fc.constant('wss://relay.example'),
  timeUs: fc.constant(undefined),
}

/** Any event that the firehose may hand over, #sync among them. */
export const event: fc.Arbitrary<FirehoseEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...base,
      kind: fc.constant('commit' as const),
      rev,
      ops: fc.array(op, { maxLength: 4 }),
      verified: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...base,
      kind: fc.constant('identity' as const),
      handle: fc.option(anyText, { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...base,
      kind: fc.constant('account' as const),
      active: fc.boolean(),
      status: fc.option(anyText, { nil: undefined }),
    }),
  },
  fc.record({ ...base, kind: fc.constant('sync' as const), rev }),
)
