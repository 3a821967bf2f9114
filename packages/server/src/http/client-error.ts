import type { Socket } from 'node:net'

import { HttpError, invalidRequest } from './errors.ts'

/**
 * Answers what Node's parser rejects before there is a request: the same shape and headers as every other error, then the connection
 * is closed.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // Nobody is there to read an answer.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { statusCode, ...rest } = errorOf(error.code)
  const body = JSON.stringify({ error: rest.error, message: rest.message })
  socket.end(
    [
      `HTTP/1.1 ${statusCode} ${rest.error}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Access-Control-Allow-Origin: *',
      'X-Content-Type-Options: nosniff',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

function errorOf(code: string | undefined): { statusCode: number; error: string; message: string } {
  const { statusCode, error, message } = httpErrorOf(code)
  return { statusCode, error, message }
}

function httpErrorOf(code: string | undefined): HttpError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HttpError(
      431,
      'RequestHeadersTooLarge',
      'The address and the headers of the request are too large',
    )
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new HttpError(408, 'RequestTimeout', 'The request took too long to arrive')
  return invalidRequest('The request is not valid HTTP')
}
