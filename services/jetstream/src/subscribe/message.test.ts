import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientMessageError, maxClientMessageBytes, readClientMessage } from './message.ts'

const nothing = { collections: [], dids: [], kinds: [], maxBytes: 0 }

function update(payload: unknown): ReturnType<typeof readClientMessage> {
  return readClientMessage(JSON.stringify({ type: 'options_update', payload }))
}

/** What reading a text ends with: code and reason of the close where it is refused. */
function outcome(text: string): ReturnType<typeof readClientMessage> | string {
  try {
    return readClientMessage(text)
  } catch (error) {
    return error instanceof ClientMessageError
      ? `${error.closeCode} ${error.message}`
      : `broke: ${String(error)}`
  }
}

it('refuses a message that is nothing but structure before it is parsed', () => {
  for (const part of ['[', '{"a":', '[],']) {
    expect(outcome(`{"type":"options_update","payload":[${part.repeat(1_000_000)}`)).toBe(
      '1007 bad message: too many lists or objects in it',
    )
  }
})

describe('an options_update', () => {
  it('sets the whole filter', () => {
    expect(
      update({
        wantedCollections: ['app.bsky.feed.post', 'app.bsky.graph.*'],
        wantedDids: ['did:plc:a'],
        wantedKinds: ['commit'],
        maxMessageSizeBytes: 1000,
        unknown: { is: 'ignored' },
      }),
    ).toEqual({
      collections: ['app.bsky.feed.post', 'app.bsky.graph.*'],
      dids: ['did:plc:a'],
      kinds: ['commit'],
      maxBytes: 1000,
    })
  })

  it.each([
    [{}],
    [null],
    [undefined],
    [{ wantedCollections: [], wantedDids: [] }],
    [{ wantedCollections: null, wantedDids: null, wantedKinds: null, maxMessageSizeBytes: null }],
  ])('filters nothing with payload %j', payload => {
    expect(update(payload)).toEqual(nothing)
  })

  it.each([
    [0, 0],
    [-5, 0],
    [1, 1],
    [4_294_967_295, 4_294_967_295],
    [4_294_967_296, 0],
    [1e300, 0],
  ])('takes the size %d as %d', (maxMessageSizeBytes, maxBytes) => {
    expect(update({ maxMessageSizeBytes })).toEqual({ ...nothing, maxBytes })
  })

  it.each([
    [[], 'expected an object'],
    ['text', 'expected an object'],
    [5, 'expected an object'],
    [true, 'expected an object'],
    [{ wantedCollections: 'app.bsky.feed.post' }, 'wantedCollections is not a list of strings'],
    [{ wantedCollections: [1] }, 'wantedCollections is not a list of strings'],
    [{ wantedDids: [null] }, 'wantedDids is not a list of strings'],
    [{ wantedDids: { 0: 'did:plc:a', length: 1 } }, 'wantedDids is not a list of strings'],
    [{ wantedKinds: [['commit']] }, 'wantedKinds is not a list of strings'],
    [{ maxMessageSizeBytes: 1.5 }, 'maxMessageSizeBytes is not an integer'],
    [{ maxMessageSizeBytes: '5' }, 'maxMessageSizeBytes is not an integer'],
    [{ maxMessageSizeBytes: [] }, 'maxMessageSizeBytes is not an integer'],
  ])('is refused with payload %j', (payload, why) => {
    expect(outcome(JSON.stringify({ type: 'options_update', payload }))).toBe(
      `1007 bad options_update: ${why}`,
    )
  })
})

describe('any other message', () => {
  it.each(['{"type":"ping"}', '{"type":"","payload":5}', '{"type":"Options_Update","payload":[]}'])(
    'is ignored: %s',
    text => {
      expect(readClientMessage(text)).toBeUndefined()
    },
  )

  it.each(['', '{', 'hello', '{"type":"options_update",}', '\u0000', "{'type':'x'}"])(
    'is no JSON: %j',
    text => {
      expect(outcome(text)).toBe('1007 bad message: it is not JSON')
    },
  )

  it.each([
    '{}',
    '[]',
    'null',
    '5',
    '"options_update"',
    '{"type":5}',
    '{"type":null}',
    '{"Type":"options_update"}',
  ])('is no message: %s', text => {
    expect(outcome(text)).toBe('1007 bad message: expected {"type": …, "payload": …}')
  })
})

describe('hostile messages', () => {
  it('set nothing through the prototype', () => {
    const poisoned =
      '{"type":"options_update","payload":{"__proto__":{"wantedDids":["did:plc:a"]},"constructor":{"prototype":{"x":1}}}}'
    expect(readClientMessage(poisoned)).toEqual(nothing)
    expect(outcome('{"__proto__":{"type":"options_update","payload":{}}}')).toContain('1007')
    expect(({} as Record<string, unknown>).wantedDids).toBeUndefined()
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it('do not break the stack, however deep', () => {
    const deep = `{"type":"options_update","payload":{"x":${'['.repeat(900)}${']'.repeat(900)}}}`
    expect(readClientMessage(deep)).toEqual(nothing)
    const unbalanced = `{"type":${'{"a":'.repeat(900)}`
    expect(outcome(unbalanced)).toBe('1007 bad message: it is not JSON')
    const depth = Math.floor(maxClientMessageBytes / 20)
    const deeper = `{"type":"options_update","payload":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    expect(outcome(deeper)).toBe('1007 bad message: too many lists or objects in it')
  })

  it('are read or refused, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.jsonValue().map(payload => JSON.stringify({ type: 'options_update', payload })),
        ),
        text => {
          const result = outcome(text)
          expect(typeof result === 'string' ? result : '1007 ').toMatch(/^1007 /)
        },
      ),
      { numRuns: 500 },
    )
  })
})
