import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameScanner } from './frame-scanner.ts'

/** A server's frame, by RFC 6455, section 5.2. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const head = length < 126 ? Buffer.from([opcode, length]) : Buffer.alloc(length < 65_536 ? 4 : 10)
  if (head.length > 2) {
    head[0] = opcode
    head[1] = head.length === 4 ? 126 : 127
    if (head.length === 4) head.writeUInt16BE(length, 2)
    else head.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([head, payload])
}

function scanning(sampleEvery: number): {
  scanner: FrameScanner
  samples: string[]
  told: (string | number)[]
} {
  const samples: string[] = []
  const told: (string | number)[] = []
  const scanner = new FrameScanner(sampleEvery, {
    sample: (bytes, start, end) => samples.push(bytes.toString('latin1', start, end)),
    ping: () => told.push('ping'),
    close: code => told.push(code),
  })
  return { scanner, samples, told }
}

const size = fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.integer({ min: 0, max: 400 }))
const message = fc.record({
  kind: fc.constantFrom('text', 'text', 'text', 'binary', 'ping'),
  size,
})

describe('FrameScanner', () => {
  it('counts frames and takes whole payloads, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 3 }),
        (messages, cuts, sampleEvery) => {
          const payloads = messages.map(({ size: bytes }, i) => Buffer.alloc(bytes, 97 + (i % 26)))
          const stream = Buffer.concat(
            messages.map(({ kind }, i) =>
              kind === 'ping'
                ? frame(0x89, payloads[i]!.subarray(0, 125))
                : frame(kind === 'text' ? 0x81 : 0x82, payloads[i]!),
            ),
          )
          const { scanner, samples, told } = scanning(sampleEvery)
          // What is read is overwritten by the next read.
          const chunk = Buffer.alloc(3_000)
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const length = Math.min(cuts[cut % cuts.length]!, stream.length - at)
            stream.copy(chunk, 0, at, at + length)
            scanner.scan(chunk, length)
            at += length
          }
          const data = messages.flatMap(({ kind }, i) =>
            kind === 'ping' ? [] : [payloads[i]!.toString('latin1')],
          )
          expect(scanner.frames).toBe(data.length)
          expect(scanner.atBoundary).toBe(true)
          expect(told).toHaveLength(messages.length - data.length)
          expect(samples.length).toBeLessThanOrEqual(Math.ceil(data.length / sampleEvery))
          // Each sample is one of the payloads, in their order.
          let from = 0
          for (const sample of samples) {
            const found = data.indexOf(sample, from)
            expect(found).toBeGreaterThanOrEqual(from)
            from = found + 1
          }
        },
      ),
    )
  })

  it('takes each so many-th frame where they come whole', () => {
    const { scanner, samples } = scanning(3)
    for (let i = 0; i < 10; i++) scanner.scan(frame(0x81, Buffer.from(`m${i}`)))
    expect(samples).toEqual(['m0', 'm3', 'm6', 'm9'])
  })

  it('knows when a frame is not there yet', () => {
    const { scanner } = scanning(1)
    const whole = frame(0x81, Buffer.alloc(300))
    scanner.scan(whole.subarray(0, 3))
    expect([scanner.frames, scanner.atBoundary]).toEqual([0, false])
    scanner.scan(whole.subarray(3, 200))
    expect([scanner.frames, scanner.atBoundary]).toEqual([1, false])
    scanner.scan(whole.subarray(200))
    expect([scanner.frames, scanner.atBoundary]).toEqual([1, true])
  })

  it('tells the code of a close', () => {
    const { scanner, told } = scanning(1)
    scanner.scan(frame(0x88, Buffer.from([0x03, 0xe9, 0x62])))
    scanner.scan(frame(0x88, Buffer.alloc(0)))
    expect(told).toEqual([1001, 1005])
  })
})
