import * as fc from 'fast-check'
import { cids, keys as oddKeys, objectOf, values } from '../../repo/test/arbitraries.ts'

function pick(...texts: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...texts)
}

function joined(...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map(texts => texts.join(''))
}

/** Text of pieces that mean something to URIs, one or more of them bad now and then. */
const pieces = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: pick('a', 'B', 'c1', '.', '..', '/', '//', '/../', '/./', ':', '@', '-', '~', '_', '+'),
      },
      {
        weight: 4,
        arbitrary: pick('%41', '%2e', '%2E%2e', '%2f', '%7E', '%c3%a9', '%25', '%3A', '?', '#', ';', '='),
      },
      {
        weight: 1,
        arbitrary: pick(' ', '%', '%4', '%zz', '[', ']', '{', '"', '\\', '\n', 'é', '🦋', '\0', '|', '^'),
      },
    ),
    { maxLength: 10 },
  )
  .map(texts => texts.join(''))

const dids = joined(
  pick(...Array.from({ length: 9 }, () => 'did:'), 'DID:', 'did', 'd%69d:'),
  pick('plc:', 'plc:', 'plc:', 'web:', 'key:', ':', 'PLC:', 'm1:', ''),
  fc.oneof(
    {
      weight: 3,
      arbitrary: pick('abc', 'ABC-def_1', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'host.example%3A80', 'a:b', 'x:', ''),
    },
    { weight: 1, arbitrary: pieces },
  ),
)

const hosts = fc.oneof(
  pick(
    'example.com',
    'EXAMPLE.com',
    'a%41',
    'a%c3%A9',
    '',
    '1.2.3.4',
    'user@Host',
    'u:p@h',
    'h:',
    'h:80',
    'h:a',
    'h:%38',
  ),
  joined(fc.constant('['), fc.ipV6(), fc.constant(']'), pick('', ':', ':80', 'x')),
  pick('[::1]', '[FE80::1%25eth0]', '[::FFFF:192.0.2.1]', '[v1.FE]', '[1:0:0:2::3]', '[::', '[]', '[::%31]'),
)

/** Texts that are links, that nearly are, and that are not. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: joined(
      pick('at://', 'at://', 'AT://', '%61t://', 'at:/', 'at:'),
      fc.oneof(dids, hosts),
      pieces,
    ),
  },
  { weight: 3, arbitrary: joined(fc.constant('at://did:plc:abc'), pick('', '/', '//', '/a.b.c/3k'), pieces) },
  { weight: 4, arbitrary: dids },
  {
    weight: 4,
    arbitrary: joined(pick('https://', 'http://', 'x://', 'X+1.-://'), hosts, pick('', '/'), pieces),
  },
  { weight: 2, arbitrary: joined(pick('urn:', 'a:', 'A:/', 'mailto:', '1:', ':', 'a b:'), pieces) },
  { weight: 1, arbitrary: pieces },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.webUrl({ withFragments: true, withQueryParameters: true }) },
)

const keys = fc.oneof(
  { weight: 3, arbitrary: pick('$type', 'uri', 'subject', 'a', 'b', 'aa', 'did', 'a.b', 'x[]', '') },
  { weight: 1, arbitrary: oddKeys },
)

/** Records of the data model that hold links in any place. */
export const records = values({ keys, leaves: [texts, texts, texts, typedItems()] }).record

/** Arrays of objects that say their type, or something like it. */
function typedItems(): ReturnType<typeof values>['value'] {
  const item = fc
    .tuple(fc.oneof(pick('a.b#c', '', 'did:plc:t', 'é', 'x]y['), fc.constantFrom(7, null)), keys, texts, cids)
    .map(([type, key, text, cid]) =>
      objectOf([
        ...new Map<string, typeof cid | typeof text | typeof type>([
          ['$type', type],
          ['ref', cid],
          [key, text],
        ]),
      ]),
    )
  return fc.array(item, { minLength: 1, maxLength: 3 })
}
