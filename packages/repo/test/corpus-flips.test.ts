import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CommitFrame,
  parsePublicKey,
  type Proof,
  type PublicKey,
  readFrame,
  verifyCommit,
} from '../src/index.ts'
import { refusal } from './refused.ts'
import { runs } from './runs.ts'
import { corpusFrames, corpusKeys, hasSharedData, whySkipped } from './shared-data.ts'

const frames = corpusFrames()
const keys = corpusKeys()
const nowUs = Date.UTC(2027, 0) * 1000

/** A frame of the recording and a place in it. */
const places = fc
  .nat(Math.max(0, frames.length - 1))
  .chain(i =>
    fc.record({ bytes: fc.constant(frames[i]!), at: fc.nat(Math.max(0, (frames[i]?.length ?? 1) - 1)) }),
  )

/** What an operation of a commit says, but for its `prev`: that may be lost where nothing is proven by it. */
function said({ ops }: CommitFrame): string {
  return ops.map(({ action, path, cid }) => `${action} ${path} ${cid}`).join('\n')
}

interface Outcome {
  kind: string
  code: string | undefined
  said?: string
  proof?: Proof | undefined
}

/** What comes of a frame; an error that is not a RepoError comes through. */
function outcome(bytes: Uint8Array, key: PublicKey): Outcome {
  let result: Outcome = { kind: 'refused', code: undefined }
  const code = refusal(() => {
    const frame = readFrame(bytes)
    result = { kind: frame.kind, code: undefined }
    if (frame.kind !== 'commit') return
    const { proof } = verifyCommit(frame, { key, nowUs, checks: 'full' })
    result = { kind: frame.kind, code: undefined, said: said(frame), proof }
  })
  return code ? { kind: 'refused', code } : result
}

describe.skipIf(!hasSharedData)(`the recorded firehose, damaged${whySkipped}`, () => {
  it('is refused for one flipped bit, or says the same, or is of a type that nobody knows', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(places, fc.nat(7), ({ bytes, at }, bit) => {
        const honest = readFrame(bytes) as CommitFrame
        const flipped = bytes.with(at, bytes[at]! ^ (1 << bit))
        const { kind, code, said: now, proof } = outcome(flipped, parsePublicKey(keys.get(honest.did)!))
        seen.add(code ?? proof ?? kind)
        // `#commit` and `op: 1` are a bit away from what the protocol says to pass over; the rest is refused or holds.
        expect(['refused', 'unknown', 'commit']).toContain(kind)
        expect(now ?? said(honest)).toBe(said(honest))
      }),
      runs(3000),
    )
    // What comes most often came.
    const ways = ['inverted', 'hash_mismatch', 'bad_proof']
    expect(Array.from(seen)).toEqual(expect.arrayContaining(ways))
  })

  it('is refused for any other byte anywhere in its blocks', () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 255 }), ({ bytes, at }, mask) => {
        const honest = readFrame(bytes) as CommitFrame
        const from = honest.blocks.byteOffset - bytes.byteOffset
        const place = from + (at % honest.blocks.length)
        const key = parsePublicKey(keys.get(honest.did)!)
        const damaged = bytes.with(place, bytes[place]! ^ mask)
        const { code } = outcome(damaged, key)
        // Another codec in the CID of a block leaves its hash as it was. A node is missed then, and so is a record, though
        // by who looks for it: a commit does not say that its records are there.
        expect(code ?? missedRecord(readFrame(damaged) as CommitFrame, key)).toBeDefined()
      }),
      runs(3000),
    )
  })

  it('changes in nothing that is signed or proven, whichever byte of a short frame is not what it was', () => {
    const byLength = frames.toSorted((a, b) => a.length - b.length)
    const short = byLength.find(bytes => (readFrame(bytes) as CommitFrame).ops.some(op => op.prev))!
    const honest = readFrame(short) as CommitFrame
    const key = parsePublicKey(keys.get(honest.did)!)
    const changed = new Set<string>()
    for (let i = 0; i < short.length * 2; i++) {
      // Two bits of every byte, others in the next.
      const at = i >>> 1
      const flipped = short.with(at, short[at]! ^ (1 << ((i * 3) & 7)))
      const { kind, said: now } = outcome(flipped, key)
      if (kind === 'refused' || kind === 'unknown') continue
      changed.add(
        now === said(honest) ? whatChanged(honest, readFrame(flipped) as CommitFrame) : 'operations',
      )
    }
    expect(Array.from(changed).toSorted()).toEqual(['blobs', 'prev', 'prevData', 'seq', 'since', 'time'])
  })
})

/** The path of an operation whose record the blocks lack. */
function missedRecord(frame: CommitFrame, key: PublicKey): string | undefined {
  const { car } = verifyCommit(frame, { key, nowUs, checks: 'full' })
  return frame.ops.find(({ cid }) => cid && car.find(cid.bytes, 0) < 0)?.path
}

/** The field that a frame with another bit differs in; `blobs` where it is in what nobody reads. */
function whatChanged(honest: CommitFrame, now: CommitFrame): string {
  const names = ['seq', 'did', 'rev', 'since', 'commit', 'prevData', 'blocks', 'time', 'tooBig'] as const
  const changed = names.find(name => Buffer.compare(bytesOf(honest[name]), bytesOf(now[name])) !== 0)
  if (changed) return changed
  return honest.ops.some((op, i) => `${op.prev}` !== `${now.ops[i]!.prev}`) ? 'prev' : 'blobs'
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}
