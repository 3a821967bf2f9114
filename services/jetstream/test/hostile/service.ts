import {
  dropsAsIn,
  type FaultKind,
  faultKinds,
  type SimulatedNetwork,
  type SimulatedNetworkOptions,
  startSimulatedNetwork,
  waitFor,
} from '@orrery/testnet'
import { metricValue, startTestJetstream, type TestJetstream } from '../harness.ts'

/** Starts the real service behind a simulated network, strict unless told otherwise, and waits until it is connected. */
export async function startBehind(
  stack: AsyncDisposableStack,
  options: SimulatedNetworkOptions,
  flags: Record<string, string> = {},
): Promise<{ network: SimulatedNetwork; jetstream: TestJetstream }> {
  const small = { accounts: 80, recordsPerAccount: 500, curve: 'p256' } as const
  const network = stack.use(await startSimulatedNetwork({ ...small, ...options }))
  const source = network.relays[0]!.url
  const jetstream = stack.use(
    await startTestJetstream({ source, 'plc-url': network.plc.url, verify: 'strict', ...flags }),
  )
  await network.relays[0]!.nextConnection()
  return { network, jetstream }
}

/** What was dropped, by reason, as a scrape of the metrics shows it. */
async function droppedBy({ metrics }: TestJetstream): Promise<Record<string, number>> {
  const metric = await metrics.registry.getSingleMetric('jetstream_upstream_dropped_total')?.get()
  return Object.fromEntries(metric!.values.map(({ labels, value }) => [String(labels.reason), value]))
}

/** The drops once they are as many as the ledger says, or do not become so; under the ledger's names. */
export async function dropsOnceCounted(
  jetstream: TestJetstream,
  { ledger: { drops } }: SimulatedNetwork,
): Promise<Record<string, number>> {
  const total = (counts: Record<string, number>): number =>
    Object.values(counts).reduce((sum, count) => sum + count, 0)
  await waitFor(async () => total(await droppedBy(jetstream)) >= total(drops)).catch(() => {})
  return dropsAsIn(drops, await droppedBy(jetstream))
}

/** A counter of what comes from upstream. */
export function upstream(jetstream: TestJetstream, name: string): Promise<number> {
  return metricValue(jetstream.metrics, `jetstream_upstream_${name}_total`)
}

/** A share of frames for each fault; a third of it for those of five megabytes. */
export function faultShares(each: number): Partial<Record<FaultKind, number>> {
  return Object.fromEntries(faultKinds.map(kind => [kind, kind === 'oversized' ? each / 3 : each]))
}
