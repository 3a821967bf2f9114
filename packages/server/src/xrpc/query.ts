import type { HttpError } from '../http/errors.ts'
import { invalidRequest } from '../http/errors.ts'

/**
 * The parameters of an address, read one at a time: as XRPC defines them (strings, integers, `true` and `false`, lists by
 * repeating the name), without a schema in between, for routes where that would be most of the work. Unknown ones are
 * ignored.
 *
 * Every method throws an `HttpError` 400 `InvalidRequest` that names the parameter.
 *
 * @see https://atproto.com/specs/xrpc
 */
export class QueryParams {
  readonly #query: Readonly<Record<string, string | readonly string[]>>

  /** @param query what Fastify made of the query, `request.query` of a route without a schema for it */
  constructor(query: unknown) {
    this.#query = query as Readonly<Record<string, string | readonly string[]>>
  }

  /** All values of a parameter as they are. */
  all(name: string): readonly string[] {
    const values = this.#query[name]
    return typeof values === 'string' ? [values] : (values ?? [])
  }

  /** A parameter that may be absent. Empty text is a value. */
  optional(name: string): string | undefined {
    const value = this.#query[name]
    if (typeof value === 'object') throw invalidParameter(name, 'is given more than once')
    return value
  }

  /** A parameter that must be there and say something. */
  required(name: string): string {
    const value = this.optional(name)
    if (value === undefined) throw invalidParameter(name, 'is missing')
    if (value === '') throw invalidParameter(name, 'is empty')
    return value
  }

  /** All values of a repeated parameter, trimmed, empty ones left out. */
  list(name: string): string[] {
    return this.all(name)
      .map(value => value.trim())
      .filter(value => value !== '')
  }

  /** A whole number in decimal digits. */
  integer(name: string, { min, max, fallback }: { min: number; max: number; fallback: number }): number {
    const value = this.optional(name)
    if (value === undefined) return fallback
    if (!/^\+?\d+$/.test(value)) throw invalidParameter(name, 'must be a whole number')
    const number = Number(value)
    if (number < min || number > max) throw invalidParameter(name, `must be from ${min} to ${max}`)
    return number
  }

  /** `true` or `false`, in lower case. */
  boolean(name: string, fallback: boolean): boolean {
    const value = this.optional(name)
    if (value === undefined) return fallback
    if (value !== 'true' && value !== 'false') throw invalidParameter(name, 'must be true or false')
    return value === 'true'
  }
}

/** 400: what is wrong with a parameter, in words that follow its name. */
export function invalidParameter(name: string, problem: string): HttpError {
  return invalidRequest(`Parameter "${name}" ${problem}`)
}
