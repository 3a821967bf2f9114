// The whole service in a process of its own, as `orrery jetstream` runs it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions } from '@orrery/server'
import { serveProcess } from '@orrery/testnet'
import { jetstreamOptions, startJetstream } from '../src/service.ts'

export type ServiceApi = typeof api

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const metrics = createMetrics({ process: false })

const api = {
  /** Starts it behind a relay; answers `ws://…/subscribe`. */
  async start({ source, plcUrl }: { source: string; plcUrl: string }): Promise<string> {
    const flags = {
      source,
      'plc-url': plcUrl,
      'data-dir': folder,
      listen: '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      verify: 'strict',
      'max-connections-per-ip': '0',
    }
    const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
    const loaded = loadOptions(jetstreamOptions, { argv, env: {} })
    if (!('options' in loaded)) throw new Error('the flags asked for help')
    const { url } = await startJetstream({
      options: loaded.options,
      logger: createLogger({ name: 'jetstream', level: 'warn' }),
      metrics,
      version: '0.0.0',
      signal: new AbortController().signal,
      fail(error) {
        console.error(error)
        process.exit(1)
      },
    })
    return `${url.replace('http', 'ws')}/subscribe`
  },
  /** Sums of metrics over all their labels, by name. */
  async totals(names: readonly string[]): Promise<Record<string, number>> {
    const totals: Record<string, number> = {}
    for (const name of names) {
      const metric = await metrics.registry.getSingleMetric(name)?.get()
      totals[name] = metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
    }
    return totals
  },
}

serveProcess(api)
