import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, startSimulatedNetwork, waitFor, within } from '@orrery/testnet'
import { follow } from './follower.ts'
import { readLogged } from './logged.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { everything } from './wanted.ts'
import { holdAgainst } from './whole-log.ts'

export interface UnderFire {
  seed: number
  kills: number
  /** Events that the network sends, or as many as this machine manages. */
  perSecond: number
}

/** What a run was like. */
export interface Fired {
  events: number
  perSecond: number
  /** Kills while it was still starting. */
  starting: number
  /** Kills while subscribers were receiving. */
  receiving: number
  /** Kills while the network had sent what it had not yet given out. */
  behind: number
  /** Connections that went on after a kill. */
  resumed: number
}

/**
 * Kills a server with SIGKILL again and again, at random, while a network sends and subscribers follow, each time
 * starting it again on the same folder. Then holds its log against what was sent and what was received.
 *
 * @throws Error that says what is wrong
 */
export async function fire({ seed, kills, perSecond }: UnderFire): Promise<Fired> {
  const random = createRandom(seed)
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'jetstream-fire-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const network = stack.use(
    await startSimulatedNetwork({
      seed,
      accounts: 200,
      recordsPerAccount: 10,
      curve: 'p256',
      maxHistory: 500_000,
    }),
  )
  const { expected } = network
  let server: ServerProcess | undefined
  stack.defer(() => server?.kill())
  const start = (): ServerProcess =>
    startServerProcess({
      source: network.relays[0]!.url,
      'plc-url': network.plc.url,
      'data-dir': dataDir,
      verify: 'strict',
      'allow-private-hosts': true,
    })
  const progress = () => ({ known: 0, sent: expected.length })
  const likes = { ...everything, collections: ['app.bsky.feed.like'] }
  const followers = [{ wanted: everything }, { wanted: everything, compress: true }, { wanted: likes }].map(
    options => stack.use(follow(() => server?.url, { ...options, progress, onEvent: () => onEvent() })),
  )
  const received = (): number => followers.reduce((sum, follower) => sum + follower.received, 0)
  let onEvent = (): void => {}
  /** Resolves in the very moment in which so much has been received. */
  async function receives(events: number): Promise<void> {
    const coming = new Promise<void>(resolve => {
      onEvent = () => {
        if (received() >= events) resolve()
      }
    })
    await within(coming, `${events} events`, 60_000)
    onEvent = () => {}
  }

  server = start()
  await server.serving()
  await network.relays[0]!.nextConnection()
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const feedingSince = performance.now()
  const feeding = network.run(perSecond, stop.signal)
  // Killed before anything of the first event is saved, it would begin at what is new then.
  await waitFor(() =>
    followers[0]!.subscriptions[0]?.lines.some(line => readLogged(line).name === expected[0]),
  )

  const fired = { starting: 0, receiving: 0, behind: 0 }
  let startMs = 1_000
  for (let kill = 0; kill < kills; kill++) {
    if (kill > 0) server = start()
    const startedAt = performance.now()
    const before = received()
    // Now and then while it starts; otherwise in the moment in which something was received, or not much later.
    if (kill % 5 === 3) await sleep(random.below(startMs))
    else {
      await server.serving()
      startMs = performance.now() - startedAt
      await receives(before + random.below(perSecond))
      if (kill % 2 === 1) await sleep(random.below(40))
    }
    if (server.url === undefined) fired.starting++
    if (received() > before) fired.receiving++
    if (followers[0]!.received < expected.length) fired.behind++
    await server.kill()
  }
  server = start()
  const url = await server.serving()
  await sleep(300)
  stop.abort()
  await feeding
  const seconds = (performance.now() - feedingSince) / 1000

  const subscriptions = followers.flatMap(follower => follower.subscriptions)
  const log = await holdAgainst(url, expected, subscriptions)
  return {
    ...fired,
    events: log.length,
    perSecond: Math.round(log.length / seconds),
    resumed: subscriptions.filter(({ options, lines }) => options.begin !== 0 && lines.length > 1).length,
  }
}
