import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommitFrame, parsePublicKey, peekFrame, readFrame, verifyCommit } from '@orrery/repo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tapFirehose } from '../firehose-tap.ts'
import { firstSeq } from '../simulated/seq.ts'
import { waitFor } from '../wait.ts'
import { type Player, startPlayer } from './player.ts'
import { recordStream } from './record.ts'
import { openRecording } from './recording.ts'

const frames = 1_200

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recorded-'))
  file = join(folder, 'stream')
  await recordStream(file, { frames, accounts: 50, recordsPerAccount: 500, curve: 'p256', seed: 9 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const seqs = (list: readonly Uint8Array[]): number[] => list.map(frame => peekFrame(frame).seq)

describe('a recorded stream', () => {
  it('has frames that hold, each account in its order, with numbers that rise by one', () => {
    using recording = openRecording(file)
    const keys = new Map(
      [...recording.documents].map(([did, { verificationMethod }]) => [
        did,
        parsePublicKey(verificationMethod[0]!.publicKeyMultibase),
      ]),
    )
    const revs = new Map<string, string>()
    let next = firstSeq + 1
    for (const bytes of recording.frames()) {
      const frame = readFrame(bytes) as CommitFrame
      const verified = verifyCommit(frame, {
        key: keys.get(frame.did)!,
        nowUs: Date.now() * 1000,
        checks: 'full',
      })
      expect(verified.proof).toBe('inverted')
      expect(frame.seq).toBe(next++)
      expect(frame.rev > (revs.get(frame.did) ?? '')).toBe(true)
      revs.set(frame.did, frame.rev)
    }
    expect(next).toBe(firstSeq + 1 + frames)
    expect(revs.size).toBeGreaterThan(40)
  })

  it('is not taken for one where it is none', async () => {
    const other = join(folder, 'other')
    await writeFile(other, 'something else, and long enough to be read')
    expect(() => openRecording(other)).toThrow('no recorded stream')
    await expect(startPlayer(other)).rejects.toThrow('no recorded stream')
  })
})

describe('startPlayer', () => {
  const tap = (player: Player, cursor?: number) =>
    tapFirehose(player.url, cursor === undefined ? {} : { cursor })

  it('sends all of it as fast as it is taken, to each from the beginning, in the time of now', async () => {
    await using player = await startPlayer(file)
    const before = new Date().toISOString()
    await player.play()
    await using one = await tap(player)
    await using two = await tap(player)
    for (const { frames: got } of [one, two]) {
      await waitFor(() => got.length === frames)
      expect(seqs(got)).toEqual(Array.from({ length: frames }, (_, i) => firstSeq + 1 + i))
      for (const frame of got) expect(peekFrame(frame).time >= before).toBe(true)
    }
    using recording = openRecording(file)
    // All but the time is as it was recorded.
    const [first] = recording.frames()
    expect(one.messages[0]!.body).toEqual({
      ...two.messages[0]!.body,
      time: one.messages[0]!.body.time,
    })
    expect(first!.length).toBe(one.frames[0]!.length)
    expect(await player.stats()).toMatchObject({ sentFrames: 2 * frames, connections: 2, published: frames })
  })

  it('keeps a rate, begins with what is new, and goes on behind a cursor', async () => {
    await using player = await startPlayer(file)
    await using early = await tap(player)
    expect(await player.stats()).toMatchObject({ published: 0 })
    const startedAt = performance.now()
    await player.play(400)
    await waitFor(() => early.frames.length >= 200)
    const seconds = (performance.now() - startedAt) / 1000
    // Never faster than asked; slower is the machine's affair.
    expect(early.frames.length / seconds).toBeLessThan(450)
    expect(seqs(early.frames.slice(0, 1))).toEqual([firstSeq + 1])

    await using late = await tap(player)
    await using again = await tap(player, firstSeq + 50)
    await waitFor(() => late.frames.length > 0 && again.frames.length > 0)
    expect(seqs(late.frames)[0]).toBeGreaterThan(firstSeq + 200)
    expect(seqs(again.frames)[0]).toBe(firstSeq + 51)
    await player.play(0)
    const { published } = await player.stats()
    await waitFor(() => seqs(late.frames).at(-1) === firstSeq + published)
    expect(published).toBeLessThan(frames)
  })
})
