import { setTimeout as sleep } from 'node:timers/promises'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { mountSmallDisk } from '../../jetstream/test/support/small-disk.ts'
import { type Client, startTestSpacedust, subscribe, type TestSpacedust } from './harness.ts'

const patience = { timeoutMs: 60_000 }
const all = 'instant=true&cursor=0&wantedOperations=create&wantedOperations=delete'

const linesOf = ({ lines }: Client): string[] =>
  lines.map(line => line.replace(/"origin":"(live|replay)"/, '"origin"')).toSorted()

it('a full disk stops the intake with a clear word, and nothing else; nothing is lost', async context => {
  const disk = mountSmallDisk(32)
  if (typeof disk === 'string') return context.skip(disk)
  await using stack = new AsyncDisposableStack()
  stack.use(disk)
  const network = stack.use(
    await startSimulatedNetwork({ accounts: 100, recordsPerAccount: 5, maxHistory: 1_000_000 }),
  )
  const relay = network.relays[0]!
  const flags = { source: relay.url, 'plc-url': network.plc.url, verify: 'strict' } as const
  const start = (more: { 'data-dir'?: string }): Promise<TestSpacedust> =>
    startTestSpacedust({ ...flags, ...more, 'allow-private-hosts': true })
  const unbroken = stack.use(await start({}))
  let full = await start({ 'data-dir': disk.folder })
  // The one that runs then.
  stack.defer(async () => full[Symbol.asyncDispose]())
  await waitFor(() => relay.stats().open === 2, { what: 'both at the relay', ...patience })
  const said = (text: string): number => full.log.filter(({ msg }) => msg.includes(text)).length

  using witness = await subscribe(unbroken.subscribeUrl(all))
  using subscriber = await subscribe(full.subscribeUrl(all))
  const received = (): number => subscriber.messages.length
  const stop = new AbortController()
  const feeding = network.run(200, stop.signal)
  stack.defer(() => stop.abort())
  await waitFor(() => received() > 100, patience)

  disk.fill()
  await waitFor(
    () => said('the disk is full: taking in events has stopped, nothing is lost. Make room') > 0,
    patience,
  )
  // What was committed before is on its way.
  await sleep(500)
  const before = received()
  await waitFor(() => witness.messages.length > before + 100, patience)
  expect(received()).toBe(before)
  await waitFor(() => (full.service.health().lagMs ?? 0) > 500, patience)
  // Who is there stays, and who comes gets all there is.
  using late = await subscribe(full.subscribeUrl(all))
  await waitFor(() => late.messages.length === before, patience)
  expect(linesOf(late)).toEqual(linesOf(subscriber))
  expect(full.failures).toEqual([])

  disk.free()
  await waitFor(() => said('there is room on the disk again') > 0, patience)
  await waitFor(() => received() > before + 100, patience)

  // Stopped while the disk is full, it begins again where it was.
  disk.fill()
  await waitFor(() => said('the disk is full: taking in events has stopped') > 1, patience)
  await full[Symbol.asyncDispose]()
  disk.free()
  full = await start({ 'data-dir': disk.folder })
  await sleep(300)
  stop.abort()
  await feeding
  using again = await subscribe(full.subscribeUrl(all))
  const isWhole = (): boolean =>
    again.messages.length === witness.messages.length && again.messages.length > before + 100
  await waitFor(isWhole, { what: 'all links', ...patience })
  await sleep(300)
  expect(linesOf(again)).toEqual(linesOf(witness))
  expect(full.failures).toEqual([])
}, 240_000)
