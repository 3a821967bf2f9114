import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startActivity, startNetwork, tapFirehose, waitFor, within } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import { type Event, subscribe, withoutTime } from './harness.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

/** Starts the server in a process of its own and answers where it serves. */
async function startServer(flags: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const child = fork(new URL('./crash-server.ts', import.meta.url), [...argv, '--allow-private-hosts'], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  stack.defer(() => {
    child.kill('SIGKILL')
  })
  const url = await within(
    new Promise<string>((resolve, reject) => {
      child.once('message', message => resolve(message as string))
      child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    }),
    'the server',
    20_000,
  )
  return { child, url: `${url.replace('http', 'ws')}/subscribe` }
}

describe('kill -9 while a real PDS is busy', () => {
  it('loses nothing that a subscriber received, doubles nothing, and goes on at the upstream cursor', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'jetstream-crash-'))
    stack.defer(() => rm(dataDir, { recursive: true, force: true }))
    const network = stack.use(await startNetwork({ accounts: 4 }))
    const upstream = stack.use(await tapFirehose(network.pds.url, { cursor: 0 }))
    const activity = stack.use(
      startActivity(network, { perSecond: 40, seed: 11, mix: { close: 0 }, maxLog: 1 }),
    )
    const flags = {
      source: network.pds.url,
      'plc-url': network.plc.url,
      'data-dir': dataDir,
      listen: '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      verify: 'strict',
      'verify-threads': '1',
    }

    const received: string[] = []
    for (const rounds of [25, 40, 15]) {
      const { child, url } = await startServer(flags)
      const client = await subscribe(`${url}?cursor=${received.length > 0 ? timeOf(received.at(-1)!) : 0}`)
      await client.count(rounds, 20_000)
      child.kill('SIGKILL')
      await within(client.closed, 'the connection of a killed server')
      const lines = client.lines
      // The cursor is inclusive: the last event comes again, and is the one that was received.
      const repeated = received.length > 0 ? lines.splice(0, 1) : []
      expect(repeated).toEqual(received.slice(-1))
      received.push(...lines)
    }
    await activity[Symbol.asyncDispose]()

    const { url } = await startServer(flags)
    const whole = await subscribe(`${url}?cursor=0`)
    await whole.count(received.length)
    // The first run began with what was new then; from there on, all that the PDS said is to be there.
    const all = upstream.messages.filter(({ header }) => header.t === '#commit').map(({ body }) => body)
    const revs = new Set(whole.lines.map(line => (JSON.parse(line) as Event).commit?.rev))
    const firstSeq = Math.min(
      ...all.filter(body => revs.has(body.rev as string)).map(body => Number(body.seq)),
    )
    const commits = new Map(
      all.filter(body => Number(body.seq) >= firstSeq).map(body => [body.rev as string, body]),
    )
    const wanted = [...commits.values()].reduce((sum, body) => sum + (body.ops as unknown[]).length, 0)
    const commitLines = (): string[] => whole.lines.filter(line => line.includes('"kind":"commit"'))
    await waitFor(() => commitLines().length >= wanted, { timeoutMs: 20_000, what: `${wanted} commits` })

    // Everything that was received is in the log with the same time, in the same order.
    expect(whole.lines.slice(0, received.length)).toEqual(received)
    expect(new Set(whole.lines.map(withoutTime)).size).toBe(whole.lines.length)
    expect(commitLines().length).toBe(wanted)
    expect(new Set(commitLines().map(line => (JSON.parse(line) as Event).commit!.rev))).toEqual(
      new Set([...commits].filter(([, body]) => (body.ops as unknown[]).length > 0).map(([rev]) => rev)),
    )
    const times = whole.lines.map(timeOf)
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
  }, 90_000)
})

function timeOf(line: string): number {
  return (JSON.parse(line) as Event).time_us
}
