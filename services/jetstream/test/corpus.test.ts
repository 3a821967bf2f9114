import { zstdDecompressSync } from 'node:zlib'
import {
  loadCorpus,
  SHARED_DATA_ABSENT,
  sharedData,
  startFakePlc,
  startFakeRelay,
  waitFor,
} from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import { metricValue, startTestJetstream, subscribe, withoutTime } from './harness.ts'

const corpus = await loadCorpus()
const dictionary = sharedData('firehose', 'jetstream-v1.zdict')

describe('the recorded firehose, sent by a relay', () => {
  it('comes out as production sent it, byte for byte but for the time, all of it verified', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { frames, expectedV1, didDocuments } = corpus!
    await using plc = await startFakePlc(new Map(didDocuments))
    await using relay = await startFakeRelay()
    await using jetstream = await startTestJetstream({
      source: relay.url,
      'plc-url': plc.url,
      verify: 'strict',
      'zstd-dictionary': dictionary,
    })
    using plain = await subscribe(jetstream.subscribeUrl())
    using zstd = await subscribe(jetstream.subscribeUrl('compress=true'))
    await relay.nextConnection()
    for (const frame of frames) relay.push(frame)
    await plain.count(82)
    await zstd.count(82)

    // Accounts whose documents come later come out later; each account's own order is production's.
    const byAccount = (lines: readonly string[]): string[] =>
      lines
        .map(withoutTime)
        .toSorted((a, b) => (a.slice(0, 40) < b.slice(0, 40) ? -1 : a.slice(0, 40) > b.slice(0, 40) ? 1 : 0))
    expect(byAccount(plain.lines)).toEqual(byAccount(expectedV1))
    expect(plain.messages.every(({ isBinary }) => !isBinary)).toBe(true)

    const dict = { dictionary: Buffer.from(corpus!.dictionaryV1) }
    expect(zstd.messages.every(({ isBinary }) => isBinary)).toBe(true)
    expect(zstd.messages.map(({ data }) => zstdDecompressSync(data, dict).toString())).toEqual(plain.lines)
    // The frame header names the dictionary: descriptor, then its id in four bytes.
    expect(zstd.messages[0]!.data.readUInt32LE(zstd.messages[0]!.data[4]! & 0x20 ? 5 : 6)).toBe(1_612_007_021)

    expect(await metricValue(jetstream.metrics, 'jetstream_upstream_events_total', { kind: 'commit' })).toBe(
      80,
    )
    expect(await metricValue(jetstream.metrics, 'jetstream_upstream_unverified_total')).toBe(0)
    expect(await metricValue(jetstream.metrics, 'jetstream_upstream_incomplete_total')).toBe(0)
    expect(jetstream.failures).toEqual([])
  })

  it('loses the events of a damaged frame only, and counts it', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { frames, expectedV1, didDocuments } = corpus!
    await using plc = await startFakePlc(new Map(didDocuments))
    await using relay = await startFakeRelay()
    await using jetstream = await startTestJetstream({
      source: relay.url,
      'plc-url': plc.url,
      verify: 'strict',
    })
    using client = await subscribe(jetstream.subscribeUrl())
    await relay.nextConnection()

    // Both accounts have this one event in the recording, so nothing else can depend on it.
    const flipped = indexOfLoneAccount(expectedV1, 10)
    const truncated = indexOfLoneAccount(expectedV1, flipped + 1)
    const lost = new Set(
      [expectedV1[flipped], expectedV1[truncated]].map(line => JSON.parse(line!).did as string),
    )
    for (const frame of frames) {
      const did = [...lost].find(text => Buffer.from(frame).includes(text))
      if (did === JSON.parse(expectedV1[flipped]!).did)
        relay.push(flipBit(frame, Math.floor(frame.length / 2)))
      else if (did) relay.push(frame.subarray(0, frame.length - 7))
      else relay.push(frame)
    }
    const expected = expectedV1.filter(line => !lost.has(JSON.parse(line).did as string))
    expect(expected.length).toBe(80)
    await client.count(expected.length)
    expect(client.lines.map(withoutTime).toSorted()).toEqual(expected.map(withoutTime).toSorted())
    const dropped = await waitFor(async () => {
      const total = await sumOf(jetstream.metrics, 'jetstream_upstream_dropped_total')
      return total >= 2 ? total : undefined
    })
    expect(dropped).toBe(2)
  })
})

function indexOfLoneAccount(lines: readonly string[], from: number): number {
  const dids = lines.map(line => (JSON.parse(line) as { did: string }).did)
  return dids.findIndex((did, i) => i >= from && dids.indexOf(did) === dids.lastIndexOf(did))
}

function flipBit(frame: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(frame)
  copy[at]! ^= 1
  return copy
}

async function sumOf(metrics: Parameters<typeof metricValue>[0], name: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)!.get()
  return metric.values.reduce((sum, { value }) => sum + value, 0)
}
