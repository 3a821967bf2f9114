import { pino, stdTimeFunctions } from 'pino'
import type { Level, Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'

/** A logger is handed down, never global; a part of a service takes `logger.child({ part: 'ingest' })`. */
export type { Logger }

/** Anything lines of text can be written to, such as `process.stdout`. */
export type TextStream = { write(text: string): unknown; isTTY?: boolean }

/** How to log. */
export type LoggerOptions = {
  /** The service's name, on every line. */
  name: string
  /** The least severe lines to write. Default `info`. */
  level?: Level | 'silent'
  /** Default: `pretty` when the stream is a terminal, else `json`. */
  format?: 'json' | 'pretty' | undefined
  /** Default `process.stdout`. Written to synchronously, so that the last lines before an exit are not lost. */
  stream?: TextStream
}

/** Names of fields whose values never reach a log line, down to the third level of what is logged. */
const secretFields = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'token',
  'apiKey',
  'accessJwt',
  'refreshJwt',
]

/**
 * Makes the base logger of a service. JSON lines have `level` as a word, `time` in ISO 8601 and `name`; fields with the names of secrets
 * are `[secret]`. Pretty lines are made in this process, without a thread.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', stream = process.stdout } = options
  const format = options.format ?? (stream.isTTY ? 'pretty' : 'json')
  return pino(
    {
      level,
      base: { name },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: secretFields.flatMap(pathsOf), censor: '[secret]' },
    },
    format === 'pretty' ? prettyStream(stream) : stream,
  )
}

function pathsOf(field: string): string[] {
  const last = `["${field}"]`
  return [last, `*${last}`, `*.*${last}`]
}

function prettyStream(stream: TextStream): TextStream {
  const pretty = prettyFactory({
    colorize: stream.isTTY === true,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    ignore: 'pid,hostname',
  })
  return { write: line => stream.write(pretty(line) ?? '') }
}
