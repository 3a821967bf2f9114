import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { didDocument, type FakePlc, startFakePlc, startFakeRelay, startProcess } from '@orrery/testnet'
import { leanEnvironment, leanFlags } from '../../../packages/cli/src/lean.ts'
import type { Figure } from '../../../scripts/bench/figure.ts'
import type { BareApi } from '../../constellation/bench/bare-process.ts'
import { Client } from '../../constellation/bench/client.ts'
import { startScriptedPds } from '../test/scripted-pds.ts'
import { cidOfValue, recordPath, valueOf } from '../test/world.ts'
import type { AskerApi } from './asker-process.ts'
import type { CacheApi } from './cache-process.ts'
import { latencies, pathOf } from './questions.ts'

const perSecond = 10_000
const seconds = 10

/** Between two hits: fewer a second than one client may make. */
const pauseMs = 10

const mib = 1024 * 1024
const lean = { flags: leanFlags, env: leanEnvironment() }
const did = `did:plc:${'d'.repeat(24)}`

/** Records of an account whose PDS takes connections and says nothing, each asked for once; and records that are known. */
export async function benchDeadHost(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack()
  const plc = stack.use(await startFakePlc())
  const relay = stack.use(await startFakeRelay())
  const pds = await deadHost(stack)
  const services = { atproto_pds: { type: 'AtprotoPersonalDataServer', url: pds } }
  plc.set(didDocument({ did, alsoKnownAs: [], keys: {}, services }))

  const cache = stack.use(startProcess<CacheApi>(new URL('./cache-process.ts', import.meta.url), lean))
  const { keys } = await cache.call('fill', 20_000)
  const url = await cache.call('start', {
    source: relay.url,
    plcUrl: plc.url,
    memory: '64MiB',
    rateLimit: '100',
  })
  while (!(await cache.call('isTrusted'))) await sleep(100)
  const bare = stack.use(
    startProcess<BareApi>(new URL('../../constellation/bench/bare-process.ts', import.meta.url), lean),
  )
  const bareUrl = await bare.call('serve', { path: recordPath, text: 'x'.repeat(500) })
  const paths = keys.slice(0, 2_000).map(pathOf)
  await warmUp(url, plc, stack)
  for (const each of [url, bareUrl]) await latencies(each, paths, 2_000, pauseMs)
  const asker = stack.use(startProcess<AskerApi>(new URL('./asker-process.ts', import.meta.url)))
  const before = await cache.usage()

  const asking = asker.call('ask', { url, did, perSecond, ms: seconds * 1_000, connections: 400 })
  const [ours, theirs] = await Promise.all(
    [url, bareUrl].map(async each => latencies(each, paths, (seconds - 1) * 1_000, pauseMs)),
  )
  const { sent, answers } = await asking
  const after = await cache.usage()
  const refused = Object.entries(answers).toSorted(([, a], [, b]) => b - a)
  if (!refused.every(([answer]) => /^50[234] [A-Z]\w+$/.test(answer))) {
    throw new Error(`not all was refused for a reason: ${JSON.stringify(answers)}`)
  }
  const told = refused.map(([answer, times]) => `${times} × ${answer}`).join(', ')
  return [
    { name: 'misses/s of a dead host', figure: sent / seconds, note: `of ${perSecond} a second; ${told}` },
    {
      name: 'ms for a hit beside a dead host, p99',
      figure: ours!.p99,
      peer: 'a bare route meanwhile',
      peerFigure: theirs!.p99,
    },
    {
      name: 'MB of memory beside a dead host',
      figure: after.rss / mib,
      note: `${Math.round(before.rss / mib)} MB before`,
    },
    { name: 'cores beside a dead host', figure: (after.cpuMs - before.cpuMs) / (seconds * 1_000) },
  ]
}

/** Records that a PDS has, as a service that has run for a while was asked for. */
async function warmUp(url: string, plc: FakePlc, stack: AsyncDisposableStack): Promise<void> {
  const pds = stack.use(await startScriptedPds())
  using client = await Client.connect(url)
  const value = valueOf('x'.repeat(200))
  const cid = cidOfValue(value)
  const services = { atproto_pds: { type: 'AtprotoPersonalDataServer', url: pds.url } }
  const one = `did:plc:${'w'.repeat(24)}`
  plc.set(didDocument({ did: one, alsoKnownAs: [], keys: {}, services }))
  for (let i = 0; i < 300; i++) {
    const key = { did: one, collection: 'app.test.note', rkey: `r${i}` }
    pds.records.set(`${one}/app.test.note/r${i}`, { cid, value })
    await client.get(pathOf(key))
  }
}

/** Takes connections and never answers. */
async function deadHost(stack: AsyncDisposableStack): Promise<string> {
  const server = createServer(socket => socket.on('error', () => {}))
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  stack.defer(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
