import type { Stage } from './demo-stage.ts'
import { followJetstream } from './follow-jetstream.ts'
import { MostLiked, tellMostLiked } from './most-liked.ts'
import { RateLine } from './rate-line.ts'
import { dim, print, printAbove, printOver } from './terminal.ts'

export interface SimulationOptions {
  /** Commits a second. */
  perSecond: number
  accounts?: number
  quiet?: boolean
}

/** Frames that can be replayed: some five kilobytes of memory each. */
const maxHistory = 5_000

const lineEveryMs = 1_000

const tellEveryMs = 10_000

/** Frames of a simulated network, signed and proven as real ones are, at a rate; and what the Jetstream makes of them. */
export async function startSimulation({
  perSecond,
  accounts = 1_000,
  quiet,
}: SimulationOptions): Promise<Stage> {
  const testnet = await import('@orrery/testnet')
  print(dim(`Making ${accounts.toLocaleString('en')} accounts …`))
  const network = await testnet.startSimulatedNetwork({ accounts, maxHistory, keepLedger: false })
  const [relay] = network.relays

  return {
    what: 'a simulated network',
    source: relay!.url,
    plcUrl: network.plc.url,
    places: [
      ['relay', relay!.url],
      ['PLC', network.plc.url],
    ],
    below: `${perSecond.toLocaleString('en')} events a second go in; what comes out of the Jetstream is counted below, and what Constellation makes of it told now and then.`,
    async run({ jetstream, constellation }, signal) {
      const line = new RateLine(() => network.sent)
      const timer = quiet ? undefined : setInterval(() => printOver(line.next()), lineEveryMs)
      const most = new MostLiked(constellation)
      const telling = quiet
        ? undefined
        : tellMostLiked(most, { everyMs: tellEveryMs, say: printAbove, signal })
      const sending = network.run(perSecond, signal)
      for await (const event of followJetstream(jetstream, signal)) {
        line.count(event)
        most.note(event)
      }
      await Promise.all([sending, telling])
      clearInterval(timer)
      return `Stopped after ${network.sent.toLocaleString('en')} events sent and ${line.total.toLocaleString('en')} operations received.`
    },
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}
