// A Jetstream in a process of its own, so that its memory is its own and a crash of it is seen.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { serveProcess } from '@orrery/testnet'
import { startTestJetstream, type TestJetstream } from '../harness.ts'

export type ServerApi = typeof api

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let jetstream: TestJetstream

const api = {
  /** Starts it with flags; answers `ws://…/subscribe`. */
  async start(flags: Record<string, string | true>): Promise<string> {
    jetstream = await startTestJetstream(flags)
    return jetstream.subscribeUrl()
  },
  /** What is held once nobody needs the rest any more, bytes. */
  memory(): { heap: number; rss: number } {
    collectGarbage()
    collectGarbage()
    const { heapUsed, external, rss } = process.memoryUsage()
    return { heap: heapUsed + external, rss }
  },
  /** Metrics as a scrape would show them, name with labels → value. */
  async metrics(): Promise<Record<string, number>> {
    const text = await jetstream.metrics.registry.metrics()
    const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    return Object.fromEntries(
      lines.map(line => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at), Number(line.slice(at + 1))]
      }),
    )
  },
  failures: (): string[] => jetstream.failures.map(String),
}

serveProcess(api)
