import { peekFrame } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import { tapFirehose } from '../firehose-tap.ts'
import { startSimulatedNetwork } from './network.ts'

describe('startSimulatedNetwork', () => {
  it('sends the same frames through each relay, with its own numbers', async () => {
    await using network = await startSimulatedNetwork({ accounts: 20, recordsPerAccount: 5, relays: 2 })
    await using a = await tapFirehose(network.relays[0]!.url)
    await using b = await tapFirehose(network.relays[1]!.url)
    network.send(50)
    const last = network.expected.at(-1)!.split(' ')[1]
    await a.waitFor(({ body }) => body.rev === last)
    await b.waitFor(({ body }) => body.rev === last)
    const revs = (frames: readonly Uint8Array[]): string[] => frames.map(frame => peekFrame(frame).rev)
    expect(revs(a.frames)).toEqual(revs(b.frames))
    expect(a.frames.length).toBe(50)
    const seqs = (frames: readonly Uint8Array[]): number[] => frames.map(frame => peekFrame(frame).seq)
    expect(seqs(a.frames).some(seq => seqs(b.frames).includes(seq))).toBe(false)
    expect(seqs(a.frames)).toEqual(seqs(a.frames).toSorted((x, y) => x - y))
  })

  it('makes the same network from the same seed', async () => {
    const now = (): number => 1_800_000_000_000
    await using one = await startSimulatedNetwork({ accounts: 20, seed: 4, now })
    await using two = await startSimulatedNetwork({ accounts: 20, seed: 4, now })
    await using three = await startSimulatedNetwork({ accounts: 20, seed: 5, now })
    for (const network of [one, two, three]) network.send(40)
    expect(one.expected).toEqual(two.expected)
    expect(three.expected).not.toEqual(one.expected)
  })
})
