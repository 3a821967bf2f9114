import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tidFromTimeUs } from '@orrery/repo'
import { createRandom, type FakeRelay, RepoMaker, startFakeRelay, waitFor, within } from '@orrery/testnet'
import { expect } from 'vitest'
import { differences, sortGone } from '../src/testing/arbitrary-history.ts'
import { type Client, type LinkEvent, subscribe } from './harness.ts'

export interface CrashRounds {
  /** How often it is killed while everything is held, and again as often while links come out. */
  kills: number
  seed: number
}

/** What followers of both streams got, account by account, and what one that is never killed would have sent. */
export interface CrashResult {
  got: Streams
  wanted: Streams
  /** The times that came with what they got, in the order it came. */
  times: { instant: number[]; delayed: number[] }
  /** Links that were held at each kill. */
  heldAtKills: number[]
}

/** Changes in short, for each account in its order. */
interface Streams {
  instant: string[][]
  delayed: string[][]
}

const accounts = 8
const collection = 'com.example.list'
const tickMs = 10
/** Links between two kills, at least. */
const linksBetween = 30
const patience = { timeoutMs: 60_000 }

/** No run is as long, so that all is held and what is undone does not depend on how busy the machine is. */
const longDelay = '10m'
const shortDelay = '2s'

/**
 * A Spacedust is killed again and again while accounts link, change their minds and delete: first with a delay in which all
 * is held, then with one in which links come out, of which none is undone then. Who follows it comes back after each kill
 * with the last time it was told.
 */
export async function crashRounds({ kills, seed }: CrashRounds): Promise<CrashResult> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'spacedust-crash-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const relay = stack.use(await startFakeRelay({ maxHistory: 1_000_000 }))
  const feed = stack.use(new Feed(relay, seed))
  const instant = stack.use(new Follower('instant=true'))
  const delayed = stack.use(new Follower('instant=false'))
  const heldAtKills: number[] = []
  let child: ChildProcess | undefined
  stack.defer(() => void child?.kill('SIGKILL'))

  async function start(delay: string): Promise<void> {
    const started = await startServer(relay.url, folder, delay, process => (child = process))
    for (const follower of [instant, delayed]) await follower.connect(started)
  }

  async function killWhileBusy(delay: string): Promise<void> {
    const before = instant.count
    await waitFor(() => instant.count >= before + linksBetween, { what: 'links', ...patience })
    child!.kill('SIGKILL')
    heldAtKills.push(instant.count - delayed.count)
    await start(delay)
  }

  await start(longDelay)
  await waitFor(() => relay.stats().open === 1, { what: 'it at the relay', ...patience })
  feed.start()
  for (let i = 1; i < kills; i++) await killWhileBusy(longDelay)
  feed.createOnly()
  // All that was undone is, so that the delay may change.
  await instant.sees(feed.mark())
  expect(delayed.count).toBe(0)
  for (let i = 0; i < kills; i++) await killWhileBusy(shortDelay)
  feed[Symbol.dispose]()

  // Nothing comes behind an account's last link, so what was doubled has come by then.
  const last = feed.mark()
  for (const follower of [instant, delayed]) {
    await follower.sees(last)
    follower[Symbol.dispose]()
  }
  const times = (follower: Follower): number[] => follower.got.map(({ time_us }) => time_us!)
  return {
    got: { instant: instant.byAccount(), delayed: delayed.byAccount() },
    wanted: feed.expected(),
    times: { instant: times(instant), delayed: times(delayed) },
    heldAtKills,
  }
}

interface Version {
  record: string
  targets: string[]
}

/** Accounts that write lists of DIDs, at a steady rate. */
class Feed implements Disposable {
  readonly #relay: FakeRelay
  readonly #random: ReturnType<typeof createRandom>
  readonly #repos = Array.from({ length: accounts }, (_, i) => new RepoMaker({ did: didOf(i) }))
  /** All that each account ever wrote. */
  readonly #versions = this.#repos.map((): Version[] => [])
  readonly #kept = this.#repos.map(() => new Set<string>())
  /** How many versions each had when nothing was undone any more. */
  #undoneUpTo: number[] | undefined
  #timer: NodeJS.Timeout | undefined
  #seq = 0
  #keys = 0
  #marks = 0

  constructor(relay: FakeRelay, seed: number) {
    this.#relay = relay
    this.#random = createRandom(seed)
  }

  start(): void {
    this.#timer = setInterval(() => this.#write(this.#random.below(accounts)), tickMs)
  }

  /** From now on nothing is changed or deleted. */
  createOnly(): void {
    this.#undoneUpTo = this.#versions.map(({ length }) => length)
  }

  /** A link from each account to what is answered. */
  mark(): string {
    const target = `did:plc:mark${++this.#marks}`
    for (let i = 0; i < accounts; i++) this.#put(i, this.#newKey(), 'create', [target])
    return target
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** What shows, said the plain way: all changes, and what was left of them when links began to come out. */
  expected(): Streams {
    const stood = this.#versions.map((versions, i) => {
      const last = new Map(versions.map(version => [version.record, version]))
      const isLast = (version: Version, at: number): boolean =>
        at >= this.#undoneUpTo![i]! || last.get(version.record) === version
      return versions.filter(isLast)
    })
    const changes = (all: Version[][]): string[][] =>
      all.map(versions => sortGone(differences(versions).filter(text => !text.startsWith('='))))
    return { instant: changes(this.#versions), delayed: changes(stood) }
  }

  #write(i: number): void {
    const kept = [...this.#kept[i]!]
    const dice = this.#undoneUpTo || kept.length === 0 ? 0 : this.#random.below(10)
    const targets = Array.from(
      { length: 1 + this.#random.below(4) },
      () => `did:plc:target${this.#random.below(6)}`,
    )
    if (dice < 6) this.#put(i, this.#newKey(), 'create', targets)
    else if (dice < 8) this.#put(i, this.#random.pick(kept)!, 'update', targets)
    else this.#put(i, this.#random.pick(kept)!, 'delete', [])
  }

  #put(i: number, rkey: string, action: 'create' | 'update' | 'delete', targets: string[]): void {
    const content = action === 'delete' ? {} : { record: { $type: collection, items: targets } }
    this.#relay.push(this.#repos[i]!.commit([{ action, collection, rkey, ...content }], ++this.#seq).frame)
    this.#versions[i]!.push({ record: rkey, targets })
    if (action === 'delete') this.#kept[i]!.delete(rkey)
    else this.#kept[i]!.add(rkey)
  }

  /** Half of them are TIDs. */
  #newKey(): string {
    const count = ++this.#keys
    return count % 2 === 0 ? `key${count}` : tidFromTimeUs(Date.now() * 1000, count % 1024)
  }
}

/** Somebody who comes back where it was. */
class Follower implements Disposable {
  readonly got: LinkEvent[] = []
  readonly #query: string
  #client: Client | undefined

  constructor(query: string) {
    this.#query = `${query}&fields=time_us&wantedOperations=create&wantedOperations=delete`
  }

  get count(): number {
    return this.got.length + (this.#client?.messages.length ?? 0)
  }

  async connect(url: string): Promise<void> {
    // What was sent before the kill may still be on its way.
    await this.#client?.closed
    this[Symbol.dispose]()
    const cursor = (this.got.at(-1)?.time_us ?? -1) + 1
    this.#client = await subscribe(`${url}?${this.#query}&cursor=${cursor}`)
  }

  [Symbol.dispose](): void {
    if (this.#client) this.got.push(...this.#client.events)
    this.#client?.socket.removeAllListeners('message')
    this.#client?.[Symbol.dispose]()
    this.#client = undefined
  }

  /** Resolves when the link of each account to this has come. */
  async sees(target: string): Promise<void> {
    const marks = (): number => this.#client!.lines.filter(line => line.includes(target)).length
    await waitFor(() => marks() >= accounts, { what: `${accounts} links to ${target}`, ...patience })
  }

  byAccount(): string[][] {
    return Array.from({ length: accounts }, (_, i) => {
      const own = this.got.filter(({ link }) => link.source_record.startsWith(`at://${didOf(i)}/`))
      return sortGone(
        own.map(({ link: { operation, source_record: uri, subject } }) => {
          const sign = operation === 'create' ? '+' : '-'
          return `${sign}${uri.slice(uri.lastIndexOf('/') + 1)} ${subject}`
        }),
      )
    })
  }
}

function didOf(i: number): string {
  return `did:plc:${'abcdefghijklmnopqrstuvwxyz'[i]!.repeat(24)}`
}

/** A Spacedust in a process of its own; answers where it is subscribed to. */
async function startServer(
  source: string,
  folder: string,
  delay: string,
  onFork: (child: ChildProcess) => void,
): Promise<string> {
  const flags = {
    source,
    delay,
    verify: 'off',
    'data-dir': join(folder, 'data'),
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'verify-threads': '1',
    'commit-interval': '5ms',
  }
  const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const child = fork(new URL('./crash-server.ts', import.meta.url), [...argv, '--allow-private-hosts'], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onFork(child)
  const url = await within(
    new Promise<string>((resolve, reject) => {
      child.once('message', (message: string) => resolve(message))
      child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    }),
    'the server',
    90_000,
  )
  return `${url.replace('http', 'ws')}/subscribe`
}
