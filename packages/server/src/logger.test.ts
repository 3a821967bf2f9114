import { describe, expect, it } from 'vitest'

import { createLogger } from './logger.ts'
import type { LoggerOptions, TextStream } from './logger.ts'
import { Secret } from './options/secret.ts'

/** A logger and the lines it wrote. */
function logging(options: Partial<LoggerOptions> & { isTTY?: boolean } = {}) {
  const lines: string[] = []
  const stream: TextStream = { write: line => lines.push(line), isTTY: options.isTTY ?? false }
  return { logger: createLogger({ name: 'probe', stream, ...options }), lines }
}

describe('createLogger', () => {
  it('writes one JSON line with name, level in words and an ISO time', () => {
    const { logger, lines } = logging()
    logger.child({ part: 'ingest' }).info({ events: 3 }, 'committed')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      name: 'probe',
      part: 'ingest',
      events: 3,
      msg: 'committed',
    })
  })

  it('keeps to its level', () => {
    const { logger, lines } = logging({ level: 'warn' })
    logger.info('not this')
    logger.warn('but this')
    expect(lines).toHaveLength(1)
    const silent = logging({ level: 'silent' })
    silent.logger.fatal('nothing')
    expect(silent.lines).toEqual([])
  })

  it('hides secrets by the names of fields, three levels deep, and Secrets anywhere', () => {
    const { logger, lines } = logging()
    const key = 'hunter2'
    logger.info({
      token: key,
      request: { password: key, headers: { authorization: key, cookie: key, accept: 'all' } },
      deep: { down: { here: { key: new Secret(key) } } },
    })
    expect(lines.join('')).not.toContain(key)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      token: '[secret]',
      request: { password: '[secret]', headers: { authorization: '[secret]', accept: 'all' } },
      deep: { down: { here: { key: '[secret]' } } },
    })
  })

  it('writes errors with their stack and code', () => {
    const { logger, lines } = logging()
    logger.error({ err: Object.assign(new TypeError('no'), { code: 'X' }) }, 'failed')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      err: {
        type: 'TypeError',
        message: 'no',
        code: 'X',
        stack: expect.stringContaining('logger.test.ts') as string,
      },
    })
  })

  it.each([
    ['on a terminal', { isTTY: true }, true],
    ['elsewhere', { isTTY: false }, false],
    ['when asked to', { format: 'pretty' as const }, true],
    ['when asked not to', { isTTY: true, format: 'json' as const }, false],
  ])('is pretty %s: %j', (_where, options, pretty) => {
    const { logger, lines } = logging(options)
    logger.warn({ host: 'pds.example' }, 'slow')
    const [line = ''] = lines
    expect(line.startsWith('{')).toBe(!pretty)
    // Colours only for who can show them.
    expect(line.includes('\u001B[')).toBe(pretty && 'isTTY' in options)
    expect(line).toContain('slow')
    expect(line.endsWith('\n')).toBe(true)
  })

  it('hides secrets when pretty, too', () => {
    const { logger, lines } = logging({ format: 'pretty' })
    logger.info({ token: 'hunter2', secret: new Secret('hunter2') }, 'x')
    expect(lines.join('')).toContain('[secret]')
    expect(lines.join('')).not.toContain('hunter2')
  })
})
