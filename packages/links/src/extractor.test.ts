import { encodeCbor, valueFromJson } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import { defaultLimits, type Extraction, LinkExtractor } from './index.ts'

const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const extractor = new LinkExtractor()

/** What all three ways find, which must be the same. */
function extract(record: unknown, from = extractor): Extraction {
  const found = from.fromValue(record)
  expect(from.fromJson(Buffer.from(JSON.stringify(record)))).toEqual(found)
  expect(from.fromCbor(encodeCbor(valueFromJson(record)))).toEqual(found)
  return found
}

function pathsOf(record: unknown): string[] {
  return extract(record).links.map(link => link.path)
}

/** `{ a: { a: … } }` with this many objects around the value. */
function nested(levels: number, value: unknown, wrap = (inner: unknown): unknown => ({ a: inner })): unknown {
  let out = value
  for (let i = 0; i < levels; i++) out = wrap(out)
  return out
}

describe('links', () => {
  it('are found with path, kind and target', () => {
    const subject = { uri: 'AT://Alice.example/app.bsky.feed.post/3k/', cid: 'bafyrei' }
    expect(extract({ $type: 'app.bsky.feed.like', subject, createdAt: '2026-01-02T03:04:05Z' })).toEqual({
      links: [{ path: '.subject.uri', kind: 'at-uri', target: 'at://alice.example/app.bsky.feed.post/3k' }],
      tooMany: 0,
      tooLong: 0,
      tooDeep: 0,
    })
  })

  it('come in document order: members by their keys, items as they stand', () => {
    const reply = { root: { uri: 'at://b' }, parent: { uri: 'at://a' } }
    const record = {
      zz: did,
      reply,
      a: [did, ['x:y'], did],
      Z: did,
      b: did,
      é: did,
      '1': did,
      '10': did,
      '9': did,
    }
    expect(pathsOf(record)).toEqual([
      '.1',
      '.10',
      '.9',
      '.Z',
      '.a[]',
      '.a[][]',
      '.a[]',
      '.b',
      '.reply.parent.uri',
      '.reply.root.uri',
      '.zz',
      '.é',
    ])
  })

  it('are kept as often as they stand there', () => {
    expect(pathsOf({ a: [did, did], b: did })).toEqual(['.a[]', '.a[]', '.b'])
  })

  it('have the type of the item that they are in, and of nothing else', () => {
    const mention = { $type: 'app.bsky.richtext.facet#mention', did }
    expect(
      pathsOf({
        $type: 'a.b.c',
        facets: [{ features: [mention] }, { $type: 'a.b.c#f', features: [mention] }],
      }),
    ).toEqual([
      '.facets[].features[app.bsky.richtext.facet#mention].did',
      '.facets[a.b.c#f].features[app.bsky.richtext.facet#mention].did',
    ])
    expect(pathsOf({ embed: { $type: 'a.b.c#e', did }, list: [[{ $type: 't', did }]] })).toEqual([
      '.embed.did',
      '.list[][t].did',
    ])
  })

  it('may be the type itself, and stand before it', () => {
    expect(pathsOf({ a: [{ $type: did, '!': did }] })).toEqual([`.a[${did}].!`, `.a[${did}].$type`])
  })

  it('have keys as they are, whatever they look like', () => {
    const record = {
      'a.b': did,
      'x[]': did,
      '': did,
      'sp ace': did,
      日本: did,
      '"\\': did,
      __proto: did,
      constructor: did,
    }
    expect(pathsOf(record)).toEqual([
      '.',
      '."\\',
      '.__proto',
      '.a.b',
      '.constructor',
      '.sp ace',
      '.x[]',
      '.日本',
    ])
  })

  it('may be under __proto__', () => {
    const json = Buffer.from(`{"__proto__":{"a":"${did}"},"b":"${did}"}`)
    const expected = ['.__proto__.a', '.b']
    expect(extractor.fromJson(json)?.links.map(link => link.path)).toEqual(expected)
    expect(extractor.fromValue(JSON.parse(json.toString())).links.map(link => link.path)).toEqual(expected)
  })

  it('are whole strings only, and neither keys, numbers, CIDs nor bytes', () => {
    const cid = 'bafyreihffx5a2e7k5uwrmmgofbvzujc5cmw5h4espouwuxt3liqoflx3ee'
    expect(
      extract({
        [did]: 1,
        text: `see ${did}`,
        ref: { $link: cid },
        bytes: { $bytes: 'YTpi' },
        n: [1, null, true, -7, ''],
      }).links,
    ).toEqual([])
  })
})

describe('what is not a map', () => {
  it.each([
    [did, ['']],
    [
      [did, { did }],
      ['[]', '[].did'],
    ],
    [[{ $type: 't', did }], ['[t].did']],
    [null, []],
    [[], []],
    [{}, []],
  ])('%j', (value, paths) => expect(pathsOf(value)).toEqual(paths))
})

describe('limits', () => {
  it('keep the first links in document order, and count the others', () => {
    const record = { z: [did, did, did], a: did, b: 'x y', aa: 'a:b' }
    const { links, ...counts } = extract(record, new LinkExtractor({ maxLinks: 3 }))
    expect(links.map(({ path }) => path)).toEqual(['.a', '.aa', '.z[]'])
    expect(counts).toEqual({ tooMany: 2, tooLong: 0, tooDeep: 0 })
  })

  it('count long targets and paths, as they are when normalised', () => {
    const from = new LinkExtractor({ maxTargetLength: 10, maxPathLength: 5 })
    const record = {
      a: ['https://a.b', 'https://a', 'http%61:b', 'HTTP://%41%41'],
      long: [did],
      c12345: 'a:b',
    }
    const { links, ...counts } = extract(record, from)
    expect(links.map(({ target }) => target)).toEqual(['https://a', 'http://aa'])
    expect(counts).toEqual({ tooMany: 0, tooLong: 3, tooDeep: 0 })
  })

  it('have defaults that hold', () => {
    const { maxLinks, maxTargetLength, maxPathLength } = defaultLimits
    const url = `https://a/${'b'.repeat(maxTargetLength - 10)}`
    const key = 'k'.repeat(maxPathLength - 1)
    const record = {
      many: Array.from({ length: maxLinks }, () => 'a:b'),
      a: [url, `${url}b`],
      [key]: 'a:b',
      [`${key}k`]: 'a:b',
    }
    const { links, ...counts } = extract(record)
    expect(links.length).toBe(maxLinks)
    expect(links.slice(0, 2).map(({ path }) => path.length)).toEqual([4, maxPathLength])
    expect(counts).toEqual({ tooMany: 2, tooLong: 2, tooDeep: 0 })
  })

  it('reach as deep as records go', () => {
    expect(extract(nested(100, did)).links).toHaveLength(1)
    expect(extract(nested(100, did, inner => [inner])).links).toHaveLength(1)
  })

  it('let no link and no bytes count as nested too deep', () => {
    const cid = 'bafyreihffx5a2e7k5uwrmmgofbvzujc5cmw5h4espouwuxt3liqoflx3ee'
    expect(extract(nested(100, { $link: cid })).tooDeep).toBe(0)
    expect(extract(nested(100, { $bytes: 'YTpi' })).tooDeep).toBe(0)
  })

  it.each([
    ['objects', nested(101, did)],
    ['arrays', nested(150, did, inner => [inner])],
    ['items', nested(75, { did }, inner => [{ $type: 't', inner }])],
  ])('count %s that are nested deeper, once for all that is under one', (_, deep) => {
    const value = { a: deep, c: [did, deep] }
    const expected = {
      links: [{ path: '.c[]', kind: 'did', target: did }],
      tooMany: 0,
      tooLong: 0,
      tooDeep: 2,
    }
    expect(extractor.fromValue(value)).toEqual(expected)
    expect(extractor.fromJson(Buffer.from(JSON.stringify(value)))).toEqual(expected)
  })

  it('end at nothing that nests for ever', () => {
    const deep = Buffer.from(`${'[{"a":'.repeat(200_000)}1${'}]'.repeat(200_000)}`)
    expect(extractor.fromJson(deep)?.tooDeep).toBe(1)
    expect(extractor.fromJson(Buffer.alloc(500_000, '['))).toBeUndefined()
    expect(extractor.fromCbor(Buffer.alloc(500_000, 0x81))).toBeUndefined()
    const loop: unknown[] = []
    loop.push(loop)
    expect(extractor.fromValue(loop).tooDeep).toBe(1)
  })
})

describe('bytes that are not a record', () => {
  it.each([
    '',
    ' ',
    '{',
    '{"a":1',
    '{"a":1}}',
    '[1,]',
    '{"a" 1}',
    '{a:1}',
    '"a',
    '"\\x"',
    '"\\u12g4"',
    '"\n"',
    '01',
    '1.',
    'tru',
    'nul',
    '\ufeff{}',
    "{'a':1}",
  ])('in JSON: %j', text => expect(extractor.fromJson(Buffer.from(text))).toBeUndefined())

  it.each(['', 'a1', 'a16161', 'a16161f6f6', 'bf6161f6ff', '1801', 'a2616200616100', 'd82b00', 'ff'])(
    'in DAG-CBOR: %s',
    hex => expect(extractor.fromCbor(Buffer.from(hex, 'hex'))).toBeUndefined(),
  )

  it('leave nothing behind for the next record', () => {
    const good = { a: [{ $type: 't', did }] }
    const expected = extract(good)
    extractor.fromJson(Buffer.from(`{"a":[{"$type":"u","z":"${did}"},`))
    extractor.fromCbor(Buffer.from('a1', 'hex'))
    expect(extract(good)).toEqual(expected)
  })
})

describe('JSON as others write it', () => {
  it.each([
    ['white space', ` {\n\t"a" : [ "${did}" , 1 ] ,\r"b":"x:y"} `, ['.a[]', '.b']],
    ['keys out of order', `{"b":"x:y","a":"${did}"}`, ['.a', '.b']],
    ['a key twice: the last counts', `{"a":"x:y","b":1,"a":[]}`, []],
    ['a key twice, the first without a link', `{"a":[],"a":"x:y"}`, ['.a']],
    ['a type behind the rest', `{"l":[{"a":"x:y","$type":"t"}]}`, ['.l[t].a']],
    ['a type twice', `{"l":[{"$type":"t","$type":"u","a":"x:y"}]}`, ['.l[u].a']],
    ['a type that is a number', `{"l":[{"$type":7,"a":"x:y"}]}`, ['.l[].a']],
    ['escapes in a link', `{"a":"x\\u003ay","b":"https:\\/\\/a","c":"\\u0061t://b"}`, ['.a', '.b', '.c']],
    ['escapes in a key', `{"\\u0061":"x:y"}`, ['.a']],
    ['escapes in a type', `{"l":[{"$type":"\\u0074","a":"x:y"}]}`, ['.l[t].a']],
    ['an escaped $type', `{"l":[{"\\u0024type":"t","a":"x:y"}]}`, ['.l[t].a']],
    ['numbers', `{"a":[-0,1.5e-7,0.0,12345678901234567890,"x:y"]}`, ['.a[]']],
    ['a lone surrogate', `{"a":"\\ud800","b":"x:y"}`, ['.b']],
    [
      'lone surrogates in keys and types',
      `{"\\ud800":"x:y","a":[{"$type":"\\udc00t","b":"x:y"}],"\\ud83e\\udd8b":"x:y"}`,
      ['.a[\ufffdt].b', '.\ufffd', '.🦋'],
    ],
  ])('%s', (_, text, paths) => {
    expect(extractor.fromJson(Buffer.from(text))?.links.map(link => link.path)).toEqual(paths)
    expect(extractor.fromValue(JSON.parse(text)).links.map(link => link.path)).toEqual(paths)
  })

  it('in a view of a larger buffer', () => {
    const whole = Buffer.from(`x{"a":"${did}"}x`)
    expect(
      extractor.fromJson(new Uint8Array(whole.buffer, whole.byteOffset + 1, whole.length - 2))?.links,
    ).toHaveLength(1)
  })

  it('with text that is not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"a":"x:\u0020'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('","b":"x:y"}'),
    ])
    expect(extractor.fromJson(bytes)?.links.map(link => link.path)).toEqual(['.b'])
  })
})
