import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { embed, metricsTable, optionsTable } from '@orrery/server'
import { startFakeRelay } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { spacedustOptions } from '../src/options.ts'
import { parameters } from '../src/routes/openapi.ts'
import { startTestSpacedust } from './harness.ts'

it('the README has the parameters, options and metrics that the code has (UPDATE_GOLDEN=1 writes them)', async () => {
  const path = join(import.meta.dirname, '../README.md')
  await using relay = await startFakeRelay()
  await using spacedust = await startTestSpacedust({ source: relay.url, verify: 'off' })
  const rows = parameters.map(({ name, description }) => `| \`${name}\` | ${description} |`)
  const tables = {
    parameters: ['| parameter | what it does |', '| --- | --- |', ...rows].join('\n'),
    options: optionsTable(spacedustOptions),
    metrics: metricsTable(spacedust.metrics),
  }
  const current = Object.entries(tables).reduce(
    (text, [name, table]) => embed(text, name, table),
    readFileSync(path, 'utf8'),
  )
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, current)
  expect(readFileSync(path, 'utf8')).toBe(current)
})
