import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { embed, metricsTable, optionsTable } from '@orrery/server'
import { startFakeRelay } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { slingshotOptions } from '../src/options.ts'
import { endpoints } from '../src/routes/all.ts'
import { startTestSlingshot } from './harness.ts'

const path = join(import.meta.dirname, '../README.md')

it('the README has the options and metrics that the code has (UPDATE_GOLDEN=1 writes them)', async () => {
  await using relay = await startFakeRelay()
  await using slingshot = await startTestSlingshot({ source: relay.url, verify: 'off' })
  const readme = readFileSync(path, 'utf8')
  const current = embed(
    embed(readme, 'options', optionsTable(slingshotOptions)),
    'metrics',
    metricsTable(slingshot.metrics),
  )
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, current)
  expect(readFileSync(path, 'utf8')).toBe(current)
})

it('the README names every error that a route may answer', () => {
  const readme = readFileSync(path, 'utf8')
  for (const name of new Set(endpoints.flatMap(({ errors }) => errors)))
    expect(readme).toContain(`\`${name}\``)
})
