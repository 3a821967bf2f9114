import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cidOf, encodeFrame } from '@orrery/repo'
import { frameBody, RepoMaker, startFakeRelay, waitFor } from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import { type Event, metricValue, refusedUpgrade, startTestJetstream, subscribe } from './harness.ts'
import { startWorld } from './world.ts'

// One test for each defect that the other servers are known for and that contract.test.ts does not pin already.

describe('defects of other servers that this one does not have', () => {
  it('goes over from replay to what is new without loss, double or disorder, while events keep coming', async () => {
    await using world = await startWorld({ verify: 'off' })
    using witness = await subscribe(world.jetstream.subscribeUrl())
    const total = 3_000
    let sent = 0
    const cursors: number[] = []
    const joiners: Awaited<ReturnType<typeof subscribe>>[] = []
    while (sent < total) {
      for (let i = 0; i < 50; i++) {
        world.create(sent % 4)
        sent++
      }
      await witness.count(sent - 200)
      // Someone who was away joins at every place, always while more is on its way.
      if (sent % 250 === 0) {
        const at = Math.floor((witness.messages.length * joiners.length) / 12)
        cursors.push(at)
        joiners.push(await subscribe(world.jetstream.subscribeUrl(`cursor=${timeOf(witness.lines[at]!)}`)))
      }
    }
    await witness.count(total)
    expect(joiners.length).toBe(12)
    for (const [i, joiner] of joiners.entries()) {
      await joiner.count(total - cursors[i]!)
      expect(joiner.lines).toEqual(witness.lines.slice(cursors[i]))
      joiner.socket.terminate()
    }
    const times = witness.lines.map(timeOf)
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
  })

  it('gives every operation of a commit a time of its own', async () => {
    await using world = await startWorld()
    using client = await subscribe(world.jetstream.subscribeUrl())
    const writes = Array.from({ length: 20 }, (_, i) => ({
      action: 'create' as const,
      collection: 'com.example.many',
      rkey: `r${i}`,
      record: { i },
    }))
    world.commit(0, ...writes)
    await client.count(20)
    expect(new Set(client.events.map(event => event.time_us)).size).toBe(20)
  })

  it('stays up when its source goes away, and goes on where it was', async () => {
    await using world = await startWorld()
    using client = await subscribe(world.jetstream.subscribeUrl())
    world.create(0)
    await client.count(1)
    expect(world.jetstream.service.health().status).toBe('ok')
    world.relay.cut()
    world.relay.refuse({ status: 503 })
    await waitFor(() => world.jetstream.service.health().status === 'degraded')
    // Sent while nobody listened.
    world.create(1)
    world.relay.accept()
    await client.count(2, 20_000)
    expect(client.events.map(event => event.did)).toEqual([world.did(0), world.did(1)])
    await waitFor(() => world.jetstream.service.health().status === 'ok')
    expect(world.relay.stats().cursors.at(-1)).toBe(1)
  })

  it('believes X-Forwarded-For only of a trusted proxy', async () => {
    await using world = await startWorld({ 'max-connections-per-ip': '1' })
    using first = await subscribe(world.jetstream.subscribeUrl(), { 'x-forwarded-for': '198.51.100.1' })
    const second = await refusedUpgrade(world.jetstream.subscribeUrl(), { 'x-forwarded-for': '198.51.100.2' })
    expect(second.status).toBe(429)
    expect(first.socket.readyState).toBe(1)
  })

  it('replays accounts of any DID to whoever wants them: did:web with an underscore, a percent and a port', async () => {
    await using world = await startWorld({ verify: 'off' })
    const dids = ['did:web:a_b.test', 'did:web:localhost%3A8080']
    using live = await subscribe(world.jetstream.subscribeUrl())
    for (const did of dids) {
      const repo = new RepoMaker({ did })
      const write = { action: 'create' as const, collection: 'com.example.x', rkey: 'a', record: { a: 1 } }
      world.relay.push(repo.commit([write], world.nextSeq()).frame)
    }
    world.create(0)
    await live.count(3)
    for (const did of dids) {
      using replay = await subscribe(
        world.jetstream.subscribeUrl(
          `cursor=0&wantedDids=${encodeURIComponent(did)}&wantedCollections=com.example.*`,
        ),
      )
      await replay.count(1)
      expect(replay.events.map(event => event.did)).toEqual([did])
    }
  })

  it('keeps the place of a replay through an update of the filter', async () => {
    await using world = await startWorld({ verify: 'off' })
    using witness = await subscribe(world.jetstream.subscribeUrl())
    for (let i = 0; i < 2_000; i++) world.create(i % 2)
    await witness.count(2_000)
    using client = await subscribe(world.jetstream.subscribeUrl('cursor=0'))
    client.send({ type: 'options_update', payload: { wantedDids: [world.did(0)] } })
    await waitFor(
      async () => (await metricValue(world.jetstream.metrics, 'jetstream_options_updates_total')) === 1,
    )
    world.create(0)
    world.create(1)
    await witness.count(2_002)
    await waitFor(
      () =>
        client.lines.at(-1) === witness.lines.find((line, i) => i >= 2_000 && line.includes(world.did(0))),
    )
    // Before the update everything, behind it the one account; never twice, never out of order, nothing left out.
    const from = client.lines.findIndex(
      (_, i) => i > 0 && client.lines.slice(i).every(later => later.includes(world.did(0))),
    )
    const seen = new Set(client.lines)
    expect(seen.size).toBe(client.lines.length)
    const lastOfOther = client.lines.findLastIndex(line => line.includes(world.did(1)))
    expect(from).toBeGreaterThanOrEqual(lastOfOther)
    const boundary = lastOfOther < 0 ? -1 : witness.lines.indexOf(client.lines[lastOfOther]!)
    const expected = witness.lines.filter((line, i) => i <= boundary || line.includes(world.did(0)))
    expect(client.lines).toEqual(expected)
  })

  it('loses of a commit only the operation that is bad, and takes any legal record key', async () => {
    await using world = await startWorld()
    using client = await subscribe(world.jetstream.subscribeUrl())
    const create = (
      collection: string,
      rkey: string,
      record: unknown,
    ): Parameters<RepoMaker['commit']>[0][number] => ({
      action: 'create',
      collection,
      rkey,
      record,
    })
    world.commit(
      0,
      create('com.example.ok', '~weird.-_:key', { a: 1 }),
      create('not a collection', 'x', { a: 1 }),
      create('com.example.ok', 'has/slash', { a: 1 }),
      create('com.example.ok', 'second', { a: 2 }),
    )
    world.create(0)
    await client.count(3)
    expect(client.events.map(event => event.commit!.rkey).slice(0, 2)).toEqual(['~weird.-_:key', 'second'])
    expect(
      await metricValue(world.jetstream.metrics, 'jetstream_upstream_dropped_total', { reason: 'bad_path' }),
    ).toBe(2)
  })

  it('drops a record nested so deep that it would break its readers, verified or not, and counts it', async () => {
    for (const [verify, reason] of [
      // Deeper than our encoder goes, the record is put in by hand, so under `strict` the proof fails first.
      ['strict', 'bad_proof'],
      ['off', 'cbor_too_deep'],
    ] as const) {
      await using world = await startWorld({ verify })
      using client = await subscribe(world.jetstream.subscribeUrl())
      let deep: unknown = 1
      for (let i = 0; i < 98; i++) deep = [deep]
      world.create(0, 'com.example.deep', { deep })
      await client.count(1)

      const write = { action: 'create' as const, collection: 'com.example.deep', rkey: 'a', record: { a: 1 } }
      const { body } = world.account(1).commit([write], world.nextSeq())
      const bomb = Buffer.concat([Buffer.from('a16161', 'hex'), Buffer.alloc(5_000, 0x81), Buffer.from([1])])
      const cid = cidOf(bomb)
      const blocks = Buffer.concat([body.blocks, varint(36 + bomb.length), cid.bytes, bomb])
      world.relay.push(
        encodeFrame('#commit', frameBody({ ...body, ops: [{ ...body.ops[0]!, cid }], blocks })),
      )
      world.create(2)
      await client.count(2)
      expect(client.events[1]!.did).toBe(world.did(2))
      expect(await metricValue(world.jetstream.metrics, 'jetstream_upstream_dropped_total', { reason })).toBe(
        1,
      )
    }
  })

  it('does not run back in time when it restarts with the clock set back', async () => {
    await using relay = await startFakeRelay()
    const dataDir = await mkdtemp(join(tmpdir(), 'jetstream-clock-'))
    const repo = new RepoMaker({ did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' })
    const write = (rkey: string) => ({
      action: 'create' as const,
      collection: 'com.example.x',
      rkey,
      record: { a: 1 },
    })
    const realNow = Date.now
    try {
      const times: number[] = []
      for (const [i, stepMs] of [0, -120_000].entries()) {
        Date.now = () => realNow() + stepMs
        await using jetstream = await startTestJetstream({
          source: relay.url,
          verify: 'off',
          'data-dir': dataDir,
        })
        using client = await subscribe(jetstream.subscribeUrl())
        await relay.nextConnection()
        relay.push(repo.commit([write(`k${i}`)], i + 1).frame)
        await client.count(1)
        times.push(client.events[0]!.time_us)
      }
      expect(times[1]).toBe(times[0]! + 1)
    } finally {
      Date.now = realNow
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  it('does not need an identity to be quick: under `timely` a slow one costs five seconds and a count', async () => {
    await using world = await startWorld({ verify: 'timely' })
    using client = await subscribe(world.jetstream.subscribeUrl())
    world.plc.delay(60_000)
    const startedAt = performance.now()
    world.create(0)
    await client.count(1, 15_000)
    expect(performance.now() - startedAt).toBeGreaterThan(4_500)
    expect(await metricValue(world.jetstream.metrics, 'jetstream_upstream_unverified_total')).toBe(1)
  })
})

function timeOf(line: string): number {
  return (JSON.parse(line) as Event).time_us
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}
