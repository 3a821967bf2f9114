import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { embed, metricsTable, optionsTable } from '@orrery/server'
import { startFakeRelay } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { ufosOptions } from '../src/options.ts'
import { endpoints } from '../src/routes/all.ts'
import { startTestUfos } from './harness.ts'

const path = join(import.meta.dirname, '../README.md')

it('the README has the options and metrics that the code has (UPDATE_GOLDEN=1 writes them)', async () => {
  await using relay = await startFakeRelay()
  await using ufos = await startTestUfos({ source: relay.url, verify: 'off' })
  const readme = readFileSync(path, 'utf8')
  const current = embed(
    embed(readme, 'options', optionsTable(ufosOptions)),
    'metrics',
    metricsTable(ufos.metrics),
  )
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, current)
  expect(readFileSync(path, 'utf8')).toBe(current)
})

it('the README names every endpoint', () => {
  const readme = readFileSync(path, 'utf8')
  for (const endpoint of endpoints) expect(readme).toContain(`| \`${endpoint.path}\` |`)
})
