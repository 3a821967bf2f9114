// The whole service in a process of its own, as `orrery spacedust` runs it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions } from '@orrery/server'
import { serveProcess } from '@orrery/testnet'
import { spacedustOptions, startSpacedust } from '../src/service.ts'

export type ServiceApi = typeof api

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const metrics = createMetrics({ process: false })

const api = {
  /** Starts it behind a Jetstream; answers `ws://…/subscribe`. */
  async start(source: string): Promise<string> {
    const flags = {
      source,
      'data-dir': folder,
      listen: '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      'max-connections-per-ip': '0',
      'allow-private-hosts': 'true',
    }
    const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
    const loaded = loadOptions(spacedustOptions, { argv, env: {} })
    if (!('options' in loaded)) throw new Error('the flags asked for help')
    const { url } = await startSpacedust({
      options: loaded.options,
      logger: createLogger({ name: 'spacedust', level: 'warn' }),
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
  /** The sum of a metric over all its labels. */
  async total(name: string): Promise<number> {
    const metric = await metrics.registry.getSingleMetric(name)?.get()
    return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
  },
}

serveProcess(api)
