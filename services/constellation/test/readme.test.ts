import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { embed, metricsTable, optionsTable } from '@orrery/server'
import { startFakeRelay } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { constellationOptions } from '../src/options.ts'
import { startTestConstellation } from './harness.ts'

it('the README has the options and metrics that the code has (UPDATE_GOLDEN=1 writes them)', async () => {
  const path = join(import.meta.dirname, '../README.md')
  await using relay = await startFakeRelay()
  await using constellation = await startTestConstellation({ source: relay.url, verify: 'off' })
  const readme = readFileSync(path, 'utf8')
  const current = embed(
    embed(readme, 'options', optionsTable(constellationOptions)),
    'metrics',
    metricsTable(constellation.metrics),
  )
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, current)
  expect(readFileSync(path, 'utf8')).toBe(current)
})
