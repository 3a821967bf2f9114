import { type FilterParams, type ListName, listNames, lists } from './filter.ts'

/** The largest message that a client may send, bytes. */
export const maxClientMessageBytes = 10 * 1024 * 1024

/** How many brackets a message may have: sources have some. Millions of them make a parser build millions of values. */
const maxBrackets = 10_000

/** Thrown for a message that cannot be read; the connection is closed with `closeCode` and the message as the reason. */
export class ClientMessageError extends Error {
  override readonly name = 'ClientMessageError'
  /** RFC 6455: 1007, data that is not what its type says. */
  readonly closeCode = 1007
}

/**
 * Reads a text message of a client: the filter that an `options_update` sets as a whole. What it leaves out does not
 * restrict; fields that it does not know are ignored.
 *
 * @throws ClientMessageError
 */
export function readClientMessage(text: string): FilterParams {
  const message = parse(text)
  if (!isObject(message)) throw new ClientMessageError('bad message: expected {"type": …, "payload": …}')
  const { type, payload } = message
  if (type !== 'options_update') throw new ClientMessageError('bad message: its type is not options_update')
  if (!isObject(payload)) throw new ClientMessageError('bad options_update: payload is not an object')
  return Object.fromEntries(listNames.map(name => [name, strings(payload, name)])) as unknown as FilterParams
}

function strings(payload: Record<string, unknown>, name: ListName): string[] {
  const { param } = lists[name]
  const value = Object.hasOwn(payload, param) ? payload[param] : []
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string')) {
    throw new ClientMessageError(`bad options_update: ${param} is not a list of strings`)
  }
  return value
}

function parse(text: string): unknown {
  let brackets = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > maxBrackets) throw new ClientMessageError('bad message: too many brackets in it')
    }
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ClientMessageError('bad message: it is not JSON')
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
