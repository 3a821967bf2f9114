/** The one shape of every error that is served, on every path: XRPC's. */
export type ErrorBody = { error: string; message: string }

/**
 * An error made to be served: its status, its name on the wire and its message reach the client as they are. Anything else that a
 * route throws is an `InternalServerError` without details.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly statusCode: number
  /** The name on the wire, such as `RecordNotFound`. */
  readonly error: string
  readonly headers: Readonly<Record<string, string>>

  constructor(
    statusCode: number,
    error: string,
    message: string,
    options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.statusCode = statusCode
    this.error = error
    this.headers = options.headers ?? {}
  }

  body(): ErrorBody {
    return { error: this.error, message: this.message }
  }
}

/** 400: the request is wrong. The message names the parameter. */
export function invalidRequest(message: string): HttpError {
  return new HttpError(400, 'InvalidRequest', message)
}

/** 404: there is nothing here. */
export function notFound(message: string): HttpError {
  return new HttpError(404, 'NotFound', message)
}

/** 503: not now. `retryAfterSeconds` tells the client when. */
export function serviceUnavailable(message: string, retryAfterSeconds?: number): HttpError {
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  return new HttpError(503, 'ServiceUnavailable', message, { headers })
}

/** Names for statuses that Fastify and Node answer with by themselves. */
const names: Readonly<Record<number, string>> = {
  400: 'InvalidRequest',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'RequestTimeout',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  429: 'RateLimitExceeded',
  431: 'RequestHeadersTooLarge',
  503: 'ServiceUnavailable',
}

/** Names for errors of Fastify that carry no status worth keeping, or a message that helps nobody. */
const ofFastify: Readonly<Record<string, () => HttpError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new HttpError(413, 'PayloadTooLarge', 'The request body is too large'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new HttpError(415, 'UnsupportedMediaType', 'The content type of the request body is not supported'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => invalidRequest('The request body is empty'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => invalidRequest('The request body is not JSON'),
  FST_ERR_BAD_URL: () => invalidRequest('The path is not valid'),
  FST_ERR_HANDLER_TIMEOUT: () => serviceUnavailable('The request took too long'),
}

/**
 * Turns whatever was thrown into what is served. Only an {@link HttpError} and what Fastify itself rejects with a 4xx speak for themselves; the
 * rest may hold internals.
 */
export function toHttpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown
  if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('FST_')) {
    const known = ofFastify[String(thrown.code)]?.()
    if (known) return known
    const status = 'statusCode' in thrown ? Number(thrown.statusCode) : 500
    if (status >= 400 && status < 500)
      return new HttpError(status, names[status] ?? 'InvalidRequest', thrown.message)
  }
  return new HttpError(500, 'InternalServerError', 'Internal Server Error', { cause: thrown })
}
