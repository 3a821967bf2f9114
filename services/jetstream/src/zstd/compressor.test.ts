import { randomBytes } from 'node:crypto'
import { constants, zstdDecompressSync } from 'node:zlib'
import { type Corpus, loadCorpus, SHARED_DATA_ABSENT } from '@orrery/testnet'
import { beforeAll, describe, expect, it } from 'vitest'
import { EventClock, EventEncoder } from '../encode.ts'
import { linesOf, makeCommit } from '../testing/make-events.ts'
import { createCompressor } from './compressor.ts'
import { dictionaryId } from './dictionary.ts'

let corpus: Corpus | undefined
beforeAll(async () => {
  corpus = await loadCorpus()
})

/** The id of the dictionary in the header of a frame, 0 for none. RFC 8878, section 3.1.1.1. */
function dictionaryIdOf(frame: Buffer): number {
  expect(frame.readUInt32LE(0)).toBe(0xfd2fb528)
  const descriptor = frame[4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  const at = isSingleSegment ? 5 : 6
  const bytes = [0, 1, 2, 4][descriptor & 3]!
  return bytes === 0 ? 0 : frame.readUIntLE(at, bytes)
}

/** How much a decoder must be ready to look back, bytes. */
function windowOf(frame: Buffer): number {
  const descriptor = frame[4]!
  if ((descriptor & 0x20) !== 0) return 0
  const [exponent, mantissa] = [frame[5]! >> 3, frame[5]! & 7]
  return 2 ** (10 + exponent) * (1 + mantissa / 8)
}

function someLines(count: number): Buffer[] {
  const commits = Array.from({ length: count }, (_, i) => makeCommit(`k${i}`, i * 50))
  return linesOf(new EventEncoder(new EventClock(0)).encode(commits)).map(line => Buffer.from(line))
}

describe('createCompressor', () => {
  it('makes frames that decode without a dictionary before there is one', async () => {
    await using compressor = createCompressor(error => expect.unreachable(String(error)))
    const lines = [...someLines(20), Buffer.from('{"kind":"cursor","time_us":1}')]
    const frames = await compressor.encoding.encode(lines)
    expect(frames.map(frame => zstdDecompressSync(frame).toString())).toEqual(lines.map(String))
    expect(new Set(frames.map(dictionaryIdOf))).toEqual(new Set([0]))
    expect(await compressor.encoding.encode([])).toEqual([])
  })

  it('keeps texts apart, however large, compressible or few they are', async () => {
    await using compressor = createCompressor(error => expect.unreachable(String(error)))
    const sizes = [1, 20, 16_383, 16_384, 200_000, 3, 2_000_000, 1]
    const texts = sizes.flatMap(size => [randomBytes(size), Buffer.alloc(size, 'x')])
    const frames = await compressor.encoding.encode(texts)
    for (const [i, frame] of frames.entries()) expect(zstdDecompressSync(frame).equals(texts[i]!)).toBe(true)
    // Calls do not mix either, though they wait for each other in a thread.
    const calls = await Promise.all(texts.map(text => compressor.encoding.encode([text])))
    expect(calls.map(([frame]) => frame!.length)).toEqual(frames.map(frame => frame.length))
  })

  it('makes frames with the dictionary’s id once there is one, which decode with it to the same bytes', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const dictionary = Buffer.from(corpus!.dictionaryV1)
    await using compressor = createCompressor(error => expect.unreachable(String(error)))
    const before = compressor.encoding
    compressor.useDictionary(dictionary)
    const { encoding } = compressor
    // Another name: what is kept with a block is kept by name.
    expect(encoding.name).not.toBe(before.name)
    const lines = corpus!.expectedV1.map(line => Buffer.from(line))
    const frames = await encoding.encode(lines)
    for (const [i, frame] of frames.entries()) {
      expect(dictionaryIdOf(frame)).toBe(dictionaryId)
      expect(windowOf(frame)).toBeLessThanOrEqual(128 * 1024)
      expect(zstdDecompressSync(frame, { dictionary }).equals(lines[i]!)).toBe(true)
    }
    // Nobody reads them without it.
    expect(() => zstdDecompressSync(frames[0]!)).toThrow(
      expect.objectContaining({ code: 'ZSTD_error_dictionary_wrong' }),
    )
    const total = frames.reduce((sum, frame) => sum + frame.length, 0)
    expect(total).toBeLessThan(Buffer.concat(lines).length / 2)
    // Clients that have it read what was made before, too.
    const [early] = await before.encode([Buffer.from('x'.repeat(100))])
    const options = { dictionary, params: { [constants.ZSTD_d_windowLogMax]: 17 } }
    expect(zstdDecompressSync(early!, options)).toHaveLength(100)
  })
})
