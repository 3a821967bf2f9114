import { describe, expect, it } from 'vitest'
import { loadCorpus } from './corpus.ts'
import { decodeFrame, encodeFrame, errorFrame, infoFrame, seqOf, tryDecodeFrame } from './frame.ts'
import { SHARED_DATA_ABSENT } from './shared-data.ts'

describe('frames', () => {
  it('come back as they were', () => {
    const frame = { header: { op: 1, t: '#account' }, body: { seq: 7, did: 'did:plc:a', active: true } }
    expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
    expect(seqOf(encodeFrame(frame))).toBe(7)
  })

  it('have no sequence number when they are information or an error', () => {
    expect(decodeFrame(encodeFrame(errorFrame('FutureCursor')))).toEqual({
      header: { op: -1 },
      body: { error: 'FutureCursor' },
    })
    expect(seqOf(encodeFrame(infoFrame('OutdatedCursor', 'old')))).toBeUndefined()
  })

  it('are two maps and nothing more', () => {
    const frame = encodeFrame(infoFrame('OutdatedCursor'))
    expect(() => decodeFrame(Buffer.concat([frame, Uint8Array.of(0)]))).toThrow(TypeError)
    expect(() => decodeFrame(Uint8Array.of(1, 2))).toThrow(TypeError)
    expect(tryDecodeFrame(frame.subarray(0, -1))).toBeUndefined()
    expect(seqOf(Uint8Array.of(0xff))).toBeUndefined()
  })

  it('of the recorded firehose come back byte for byte', async context => {
    const corpus = await loadCorpus()
    context.skip(corpus === undefined, SHARED_DATA_ABSENT)
    for (const frame of corpus?.frames ?? []) {
      expect(Buffer.compare(encodeFrame(decodeFrame(frame)), frame)).toBe(0)
    }
  })
})
