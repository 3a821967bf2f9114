import type { FilterParams } from './filter.ts'

/** The largest message that a client may send, bytes. */
export const maxClientMessageBytes = 10_000_000

/**
 * How many brackets a message may have: an update has five. Millions of them, which a message has room for, make a parser
 * build millions of values.
 */
const maxBrackets = 1_000

/** Thrown for a message that cannot be read; the connection is closed with `closeCode` and the message as the reason. */
export class ClientMessageError extends Error {
  override readonly name = 'ClientMessageError'
  /** RFC 6455: 1007, data that is not what its type says. */
  readonly closeCode = 1007
}

/**
 * Reads a text message of a client: the filter that an `options_update` sets as a whole, or undefined for a message of
 * another type, which is ignored. What the update leaves out is not filtered.
 *
 * @throws ClientMessageError
 */
export function readClientMessage(text: string): FilterParams | undefined {
  const envelope = parse(text)
  if (!isObject(envelope) || typeof envelope.type !== 'string') {
    throw new ClientMessageError('bad message: expected {"type": …, "payload": …}')
  }
  if (envelope.type !== 'options_update') return undefined
  const payload = envelope.payload ?? {}
  if (!isObject(payload)) throw badPayload('expected an object')
  const size = payload.maxMessageSizeBytes ?? 0
  if (!Number.isInteger(size)) throw badPayload('maxMessageSizeBytes is not an integer')
  const maxBytes = size as number
  return {
    collections: strings(payload, 'wantedCollections'),
    dids: strings(payload, 'wantedDids'),
    kinds: strings(payload, 'wantedKinds'),
    maxBytes: maxBytes > 0 && maxBytes <= 0xffff_ffff ? maxBytes : 0,
  }
}

function parse(text: string): unknown {
  let brackets = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > maxBrackets)
        throw new ClientMessageError('bad message: too many lists or objects in it')
    }
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ClientMessageError('bad message: it is not JSON')
  }
}

function strings(payload: Record<string, unknown>, name: string): string[] {
  const value = payload[name] ?? []
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string')) {
    throw badPayload(`${name} is not a list of strings`)
  }
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function badPayload(why: string): ClientMessageError {
  return new ClientMessageError(`bad options_update: ${why}`)
}
