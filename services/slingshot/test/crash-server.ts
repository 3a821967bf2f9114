// A Slingshot as a process of its own, for tests that kill it. The flags are the service's; the URL goes to the parent.
import { createLogger, createMetrics, loadOptions } from '@orrery/server'
import { slingshotOptions, startSlingshot } from '../src/service.ts'

const loaded = loadOptions(slingshotOptions, { argv: process.argv.slice(2), env: {} })
if (!('options' in loaded)) throw new Error('no options')
const { url } = await startSlingshot({
  options: loaded.options,
  logger: createLogger({ name: 'slingshot', level: 'silent' }),
  metrics: createMetrics(),
  version: '0.0.0',
  signal: new AbortController().signal,
  fail(error) {
    throw error
  },
})
process.send!(url)
