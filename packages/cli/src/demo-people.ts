import { startHandleDns } from './demo-dns.ts'
import type { Stage, SuiteUrls } from './demo-stage.ts'
import { eventLines } from './event-line.ts'
import { followJetstream } from './follow-jetstream.ts'
import { MostLiked, tellMostLiked } from './most-liked.ts'
import { dim, print } from './terminal.ts'

export interface PeopleOptions {
  perSecond: number
  accounts?: number
  quiet?: boolean
}

const tellEveryMs = 5_000

/** A real PDS and PLC directory on this machine, and people on it who act as the network's do. */
export async function startPeople({ perSecond, accounts = 6, quiet }: PeopleOptions): Promise<Stage> {
  // Development only: the packages are there after `npm run demo`, not after `npm start`.
  const testnet = await import('@orrery/testnet')
  print(dim('Starting a PLC directory, a PDS, and accounts on it …'))
  await using starting = new AsyncDisposableStack()
  const network = starting.use(await testnet.startNetwork({ accounts }))
  const dns = starting.use(await startHandleDns(handle => didAt(network.pds.url, handle)))

  async function show({ jetstream, constellation }: SuiteUrls, signal: AbortSignal): Promise<void> {
    const most = new MostLiked(constellation)
    const telling = tellMostLiked(most, { everyMs: tellEveryMs, say: print, signal })
    const names = new Map(network.accounts.map(({ did, handle }) => [did, handle]))
    for await (const event of followJetstream(jetstream, signal)) {
      most.note(event)
      if (event.kind === 'identity' && event.handle !== undefined) names.set(event.did, event.handle)
      print(...eventLines(event, did => names.get(did) ?? did.slice(0, 16)))
    }
    await telling
  }

  const owned = starting.move()
  return {
    what: 'a network of its own',
    // Handles under .test are in no DNS but this one.
    options: { slingshot: { dns: dns.address } },
    source: network.pds.url,
    plcUrl: network.plc.url,
    places: [
      ['PDS', network.pds.url],
      ['PLC', network.plc.url],
    ],
    below:
      'What people here do comes through the Jetstream below, and every few seconds what Constellation counts of it.',
    async run(suite, signal) {
      await using activity = testnet.startActivity(network, { perSecond, signal, maxLog: 1 })
      await (quiet ? activity.done : show(suite, signal))
      const { done } = await activity.done
      const total = Object.values(done).reduce((sum, count) => sum + count, 0)
      return `Stopped after ${total} actions.`
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Whom a handle belongs to, as its PDS tells. */
async function didAt(pds: string, handle: string): Promise<string | undefined> {
  const query = new URLSearchParams({ handle })
  const answer = await fetch(`${pds}/xrpc/com.atproto.identity.resolveHandle?${query}`)
  return answer.ok ? ((await answer.json()) as { did: string }).did : undefined
}
