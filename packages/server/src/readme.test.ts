import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { probeServer } from '../test/probe-server.ts'
import { commonOptions, defineOptions, embed, metricsTable, optionsTable } from './index.ts'

it('the README has the tables that the code makes (UPDATE_GOLDEN=1 writes them)', async () => {
  const path = join(import.meta.dirname, '..', 'README.md')
  const options = defineOptions({
    prefix: 'SERVICE',
    options: commonOptions({
      source: ['wss://relay.example'],
      dataDir: './data/service',
      listen: '0.0.0.0:6008',
      metricsListen: '127.0.0.1:16008',
    }),
  })
  await using server = await probeServer()
  const readme = readFileSync(path, 'utf8')
  const current = embed(
    embed(readme, 'options', optionsTable(options)),
    'metrics',
    metricsTable(server.metrics),
  )
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, current)
  expect(readFileSync(path, 'utf8')).toBe(current)
})
