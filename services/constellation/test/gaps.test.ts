import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { startTestConstellation, type TestConstellation } from './harness.ts'

interface Home {
  stats: { linking_records: number }
  gaps: { source: string; from: string; to: string; reason: string }[]
}

it('a source that no longer has what was missed is a gap: recorded, served, and metered', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'constellation-gaps-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const network = stack.use(await startSimulatedNetwork({ accounts: 20, maxHistory: 40 }))
  const relay = network.relays[0]!
  const start = (): Promise<TestConstellation> =>
    startTestConstellation({
      source: relay.url,
      'plc-url': network.plc.url,
      'data-dir': folder,
      'allow-private-hosts': true,
    })
  {
    await using before = await start()
    await waitFor(() => relay.stats().open === 1)
    network.send(30)
    await waitFor(async () => (await before.get<Home>('/')).stats.linking_records > 0)
    expect((await before.get<Home>('/')).gaps).toEqual([])
  }
  network.send(200)
  await using after = await start()
  const [gap, ...others] = await waitFor(async () => {
    const { gaps } = await after.get<Home>('/')
    return gaps.length > 0 && gaps
  })
  expect(others).toEqual([])
  expect(gap).toEqual({
    source: expect.stringContaining(new URL(relay.url).host) as string,
    from: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    to: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    reason: 'outdated_cursor',
  })
  expect(Date.parse(gap!.to)).toBeGreaterThanOrEqual(Date.parse(gap!.from))
  const metrics = await (await fetch(`${after.service.metricsUrl}/metrics`)).text()
  expect(metrics).toContain('constellation_upstream_gaps_total 1')
  const page = await (await fetch(after.service.url, { headers: { accept: 'text/html' } })).text()
  expect(page).toContain('What is missing')
})
