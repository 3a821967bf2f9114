import { describe, expect, it } from 'vitest'
import {
  type CborValue,
  type CommitFrame,
  encodeFrame,
  parsePublicKey,
  peekFrame,
  type PublicKey,
  readFrame,
  type SyncFrame,
  valueFromJson,
  verifyCommit,
  verifySync,
} from '../src/index.ts'
import { refusal } from './refused.ts'
import { hasSharedData, type Scenario, scenarios, whySkipped } from './shared-data.ts'

const nowUs = Date.UTC(2027, 0) * 1000

function frameOf({ frame: { header, body } }: Scenario['messages'][number]): Uint8Array {
  return encodeFrame(header.t, valueFromJson(body) as { [key: string]: CborValue })
}

/**
 * What comes of the commits of each. Those of `deactivation` are from before Sync 1.1 and say nothing of the tree before;
 * `rev_ordering` has two revisions that are made up: one is no TID, the other not the one that was signed.
 */
const expected: Record<string, string[]> = {
  'account_lifecycle.json': [],
  'deactivation.json': Array.from({ length: 6 }, () => 'included'),
  'post_lifecycle.json': Array.from({ length: 6 }, () => 'inverted'),
  'rev_ordering.json': ['inverted', 'bad_rev', 'rev_mismatch', 'inverted'],
}

/** How a commit was proven, or the code that it was refused with. */
function outcomeOf(frame: CommitFrame, key: PublicKey): string | undefined {
  let proof: string | undefined
  const code = refusal(() => (proof = verifyCommit(frame, { key, nowUs, checks: 'full' }).proof))
  return code ?? proof
}

describe.skipIf(!hasSharedData)(`the bodies of the relay scenarios${whySkipped}`, () => {
  const all = scenarios()
  it('are there', () => {
    expect(all.map(({ name, messages }) => `${name} ${messages.length}`)).toEqual([
      'account_lifecycle.json 4',
      'deactivation.json 8',
      'post_lifecycle.json 6',
      'rev_ordering.json 4',
    ])
  })

  describe.each(all)('$name', ({ name, accounts, messages }) => {
    const keys = new Map(
      accounts.map(({ identity }) => [
        identity.did,
        parsePublicKey(identity.keys.atproto.publicKeyMultibase),
      ]),
    )
    const frames = messages.map(message => ({ bytes: frameOf(message), body: message.frame.body }))

    it('read and peek as what they say', () => {
      for (const { bytes, body } of frames) {
        const frame = readFrame(bytes) as CommitFrame
        const did = (body.repo ?? body.did) as string
        expect([frame.seq, frame.did, frame.time]).toEqual([body.seq, did, body.time])
        const { kind, seq, time } = frame
        expect(peekFrame(bytes)).toEqual({ kind, seq, did, time, rev: body.rev ?? '' })
      }
    })

    it('verify as far as each is valid by itself', () => {
      const outcomes = frames
        .map(({ bytes }) => readFrame(bytes))
        .filter(frame => frame.kind === 'commit')
        .map(frame => outcomeOf(frame, keys.get(frame.did)!))
      expect(outcomes).toEqual(expected[name])
    })

    it('have signed #syncs', () => {
      const syncs = frames
        .map(({ bytes }) => readFrame(bytes))
        .filter((frame): frame is SyncFrame => frame.kind === 'sync')
      for (const frame of syncs) {
        expect(verifySync(frame, { key: keys.get(frame.did)!, nowUs, checks: 'full' }).signed).toBe(true)
      }
    })
  })
})
