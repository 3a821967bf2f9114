import { describe, expect, it } from 'vitest'
import {
  ByteSink,
  type CommitFrame,
  type Frame,
  parsePublicKey,
  peekFrame,
  readFrame,
  RecordTranscoder,
  tryParsePath,
  verifyCommit,
} from '../src/index.ts'
import { refusal } from './refused.ts'
import { corpusFrames, corpusKeys, corpusLines, hasSharedData, whySkipped } from './shared-data.ts'

describe.skipIf(!hasSharedData)(`the recorded firehose${whySkipped}`, () => {
  const frames = corpusFrames()
  const keys = corpusKeys()
  const expected = corpusLines()
  const nowUs = Date.UTC(2027, 0) * 1000

  it('has the frames and the lines that the rest counts on', () => {
    const commits = frames.map(readFrame).filter(frame => frame.kind === 'commit')
    expect([frames.length, commits.length, expected.length]).toEqual([80, 80, 82])
  })

  it('becomes the lines of the production Jetstream, byte for byte', () => {
    expect(frames.flatMap(bytes => linesOf(readFrame(bytes), timesOf(expected)))).toEqual(expected)
  })

  it('peeks what it reads', () => {
    for (const bytes of frames) {
      const { kind, seq, did, rev, time } = readFrame(bytes) as CommitFrame
      expect(peekFrame(bytes)).toEqual({ kind, seq, did, rev, time })
    }
  })

  it('verifies as inverted and signed, with the keys of that day', () => {
    for (const bytes of frames) {
      const frame = readFrame(bytes) as CommitFrame
      const key = parsePublicKey(keys.get(frame.did)!)
      const { proof, signed, car } = verifyCommit(frame, { key, nowUs, checks: 'full' })
      expect({ proof, signed }).toEqual({ proof: 'inverted', signed: true })
      for (const op of frame.ops) expect(op.cid === null || car.find(op.cid.bytes, 0) >= 0).toBe(true)
    }
  })

  it('does not verify with the key of another account', () => {
    const [first, second] = Array.from(new Set(keys.values()), parsePublicKey)
    for (const bytes of frames.slice(0, 20)) {
      const frame = readFrame(bytes) as CommitFrame
      const other = keys.get(frame.did) === keys.values().next().value ? second! : first!
      expect(refusal(() => verifyCommit(frame, { key: other, nowUs, checks: 'full' }))).toBe('bad_signature')
    }
  })

  it('does not verify before its time', () => {
    for (const bytes of frames) {
      const frame = readFrame(bytes) as CommitFrame
      const code = refusal(() => verifyCommit(frame, { nowUs: Date.UTC(2026, 0) * 1000, checks: 'full' }))
      expect(code).toBe('future_rev')
    }
  })

  it('is refused where a frame is cut short', () => {
    frames.forEach((bytes, i) => {
      // A prime step from another start in each frame falls on every kind of place.
      const cuts = [0, 1, 2, bytes.length - 1]
      for (let at = 3 + i; at < bytes.length; at += 31) cuts.push(at)
      const codes = new Set(cuts.map(at => refusal(() => readFrame(bytes.subarray(0, at)))))
      expect(Array.from(codes).filter(code => !/^(cbor_|frame_bad)/.test(code ?? 'none'))).toEqual([])
    })
  })

  /** The Jetstream's lines of a commit, each with the time that the production line has: it is that server's own clock. */
  function linesOf(frame: Frame, times: Map<string, number>): string[] {
    if (frame.kind !== 'commit') throw new Error(`a frame of kind ${frame.kind}`)
    const { car } = verifyCommit(frame, { nowUs, checks: 'full' })
    const transcoder = new RecordTranscoder()
    return frame.ops.map(({ action, path, cid }) => {
      const { collection, rkey } = tryParsePath(path)!
      let commit = `{"rev":"${frame.rev}","operation":"${action}","collection":"${collection}","rkey":"${rkey}"`
      if (cid !== null) {
        const block = car.find(cid.bytes, 0)
        const sink = new ByteSink(16)
        transcoder.write(car.bytes, car.start(block), car.end(block), sink)
        commit += `,"record":${sink.view().toString()},"cid":"${cid}"`
      }
      const timeUs = times.get(`${frame.did} ${frame.rev} ${path}`)
      return `{"did":"${frame.did}","time_us":${timeUs},"kind":"commit","commit":${commit}}}`
    })
  }
})

function timesOf(lines: readonly string[]): Map<string, number> {
  return new Map(
    lines.map(line => {
      const { did, time_us, commit } = JSON.parse(line) as {
        did: string
        time_us: number
        commit: { rev: string; collection: string; rkey: string }
      }
      return [`${did} ${commit.rev} ${commit.collection}/${commit.rkey}`, time_us]
    }),
  )
}
