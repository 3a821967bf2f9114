import { expect, it } from 'vitest'

import { probeServer } from '../../test/probe-server.ts'
import { createLogger } from '../logger.ts'
import { lazyRequestLogs } from './request-log.ts'

it('writes the lines of requests with their id, and without secrets', async () => {
  await using server = await probeServer(app => {
    app.get('/logs', request => {
      request.log.info({ token: 'hidden', part: 1 }, 'first')
      request.log.child({ part: 2 }).warn('second')
      return { level: request.log.level }
    })
  })
  const response = await server.app.inject('/logs')
  expect(response.json()).toEqual({ level: 'debug' })
  const requestId = response.headers['x-request-id']
  const lines = server.lines.filter(line => line['requestId'] === requestId)
  expect(lines).toMatchObject([
    { level: 'info', msg: 'first', token: '[secret]', part: 1 },
    { level: 'warn', msg: 'second', part: 2 },
    { level: 'debug', msg: 'request', path: '/logs' },
  ])
})

it('makes no logger for a request that logs nothing', async () => {
  const logger = createLogger({ name: 'probe', level: 'info', stream: { write: () => {} } })
  let made = 0
  const counted = Object.create(logger, {
    child: { value: (...args: Parameters<typeof logger.child>) => (made++, logger.child(...args)) },
  }) as typeof logger
  const lazy = lazyRequestLogs(counted)
  const log = lazy.child({ requestId: '1' })
  expect(made).toBe(0)
  log.info('one')
  log.error('two')
  expect(made).toBe(1)
})
