import { readFile } from 'node:fs/promises'
import {
  hasSharedData,
  RepoMaker,
  sharedData,
  type SimulatedNetwork,
  startSimulatedNetwork,
  waitFor,
} from '@orrery/testnet'
import { startTestJetstream, type TestJetstream } from '../harness.ts'
import { type Clock, takeClock } from './clock.ts'
import { type Progress, Subscription } from './subscription.ts'
import { everything } from './wanted.ts'

/** A Jetstream on a simulated network, both in this process, and who has been subscribed from the beginning. */
export interface CutOverWorld extends AsyncDisposable {
  readonly network: SimulatedNetwork
  readonly jetstream: TestJetstream
  readonly clock: Clock
  /** Gets everything, live. */
  readonly witness: Subscription
  readonly dictionary: Buffer | undefined
  readonly dids: readonly string[]
  /** What is to be in the log, as the network names it. */
  readonly expected: () => string[]
  readonly progress: () => Progress
}

/** An account that wrote a lot, long ago: more bytes than a socket and the system hold for who does not read. */
const essays = { commits: 30, records: 10, bytes: 30_000 }

/** What the other accounts did before anything is tried. */
const atFirst = 3_000

/** Starts one, with an hour's end behind it. The flags are the Jetstream's. */
export async function startCutOverWorld(
  seed: number,
  flags: Record<string, string> = {},
): Promise<CutOverWorld> {
  await using stack = new AsyncDisposableStack()
  const clock = stack.use(takeClock())
  const accounts = 60
  const network = stack.use(
    await startSimulatedNetwork({
      seed,
      accounts,
      recordsPerAccount: 10,
      curve: 'p256',
      statusChanges: 0.002,
      keyRotations: 0.01,
      // The network's clocks are right; it is this machine's that is set.
      now: clock.real,
    }),
  )
  const file = sharedData('firehose', 'jetstream-v1.zdict')
  const dictionary = hasSharedData('firehose') ? await readFile(file) : undefined
  const jetstream = stack.use(
    await startTestJetstream({
      source: network.relays[0]!.url,
      'plc-url': network.plc.url,
      verify: 'strict',
      'allow-private-hosts': true,
      ...(dictionary && { 'zstd-dictionary': file }),
      ...flags,
    }),
  )
  await network.relays[0]!.nextConnection()

  const written: string[] = []
  let witness: Subscription | undefined
  const progress = (): Progress => ({
    known: witness?.reached ?? 0,
    sent: written.length + network.expected.length,
  })
  witness = new Subscription({ url: jetstream.subscribeUrl(), begin: 'now', wanted: everything, progress })
  await witness.opened()
  const { lines } = witness
  written.push(...sendEssays(network))
  for (let sent = 0; sent < atFirst; sent += 500) {
    network.send(500)
    if (sent === atFirst / 2) clock.toEndOfHour(5)
    await waitFor(() => lines.length > progress().sent - 1_000, { timeoutMs: 30_000 })
  }
  await waitFor(() => lines.length === progress().sent, { timeoutMs: 30_000 })
  const owned = stack.move()
  return {
    network,
    jetstream,
    clock,
    witness,
    dictionary,
    dids: Array.from({ length: accounts }, (_, i) => network.world.did(i)),
    expected: () => [...written, ...network.expected],
    progress,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Sends them, with numbers from before the network's first; answers the events as the network names them. */
function sendEssays({ plc, relays }: SimulatedNetwork): string[] {
  const author = new RepoMaker({ did: `did:plc:${'e'.repeat(24)}` })
  plc.set(author.document())
  const collection = 'com.example.essay'
  return Array.from({ length: essays.commits }, (_, nth) => {
    const writes = Array.from({ length: essays.records }, (_record, i) => ({
      action: 'create' as const,
      collection,
      rkey: `e${nth}-${i}`,
      record: { $type: collection, text: 'word '.repeat(essays.bytes / 5) },
    }))
    const { frame, rev, ops } = author.commit(writes, nth + 1)
    relays[0]!.push(frame)
    return ops.map(({ action, path, cid }) => `${author.did} ${rev} ${action} ${path} ${cid}`)
  }).flat()
}
