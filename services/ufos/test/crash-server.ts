// UFOs as a process of its own, for tests that kill it. The flags are the service's; the URL goes to the parent.
import { createLogger, createMetrics, loadOptions } from '@orrery/server'
import { startUfos, ufosOptions } from '../src/service.ts'

const loaded = loadOptions(ufosOptions, { argv: process.argv.slice(2), env: {} })
if (!('options' in loaded)) throw new Error('no options')
const { url } = await startUfos({
  options: loaded.options,
  logger: createLogger({ name: 'ufos', level: 'silent' }),
  metrics: createMetrics(),
  version: '0.0.0',
  signal: new AbortController().signal,
  fail(error) {
    throw error
  },
})
process.send!(url)
