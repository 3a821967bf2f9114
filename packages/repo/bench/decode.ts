import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { fromUint8Array } from '@atcute/car'
import * as atcute from '@atcute/cbor'
import { CarBufferReader } from '@ipld/car/buffer-reader'
import * as dagCbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { ByteSink, type CommitFrame, readCar, readFrame, RecordTranscoder } from '../src/index.ts'
import { type Candidate, compare, type Rate } from './harness.ts'

// From a frame's bytes to the JSON of its records, as three stacks of libraries do it.

const corpus = join(import.meta.dirname, '../../../../shared/data/firehose')

function loadFrames(): Buffer[] {
  const raw = zstdDecompressSync(readFileSync(join(corpus, 'frames.bin.zst')))
  const frames: Buffer[] = []
  for (let at = 0; at < raw.length;) {
    const end = at + 4 + raw.readUInt32LE(at)
    frames.push(raw.subarray(at + 4, end))
    at = end
  }
  return frames
}

const transcoder = new RecordTranscoder()
const sink = new ByteSink()

function ours(frame: Buffer, hashing: boolean): number {
  const message = readFrame(frame) as CommitFrame
  const car = readCar(message.blocks, { verify: hashing })
  sink.reset()
  for (const op of message.ops) {
    if (!op.cid) continue
    const block = car.find(op.cid.bytes, 0)
    transcoder.write(car.bytes, car.start(block), car.end(block), sink)
  }
  return sink.length
}

interface AtcuteBody {
  blocks: atcute.BytesWrapper
  ops: { cid: { bytes: Uint8Array } | null }[]
}

function withAtcute(frame: Buffer, hashing: boolean): number {
  const [, rest] = atcute.decodeFirst(frame)
  const body = atcute.decode(rest) as AtcuteBody
  const blocks = new Map<string, Uint8Array>()
  for (const { cid, bytes } of fromUint8Array(body.blocks.buf)) {
    if (hashing && !hash('sha256', bytes, 'buffer').equals(cid.digest.contents)) throw new Error('hash')
    blocks.set(keyOf(cid.bytes), bytes)
  }
  let length = 0
  for (const op of body.ops) {
    if (op.cid) length += JSON.stringify(atcute.decode(blocks.get(keyOf(op.cid.bytes))!)).length
  }
  return length
}

interface IpldBody {
  blocks: Uint8Array
  ops: { cid: CID | null }[]
}

/** The header of a commit, which dag-cbor has no way to read before the body. */
const headerBytes = 15

function withIpld(frame: Buffer, hashing: boolean): number {
  const body: IpldBody = dagCbor.decode(frame.subarray(headerBytes))
  const blocks = new Map<string, Uint8Array>()
  for (const { cid, bytes } of CarBufferReader.fromBytes(body.blocks).blocks()) {
    if (hashing && !hash('sha256', bytes, 'buffer').equals(cid.multihash.digest)) throw new Error('hash')
    blocks.set(keyOf(cid.bytes), bytes)
  }
  let length = 0
  for (const op of body.ops) {
    if (op.cid) length += JSON.stringify(dagCbor.decode(blocks.get(keyOf(op.cid.bytes))!), asJson).length
  }
  return length
}

/** The bytes of a CID as a map key: the cheapest that a string can be. */
function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function asJson(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // A CID's own toJSON has run by now, and has another form.
  const before = this[key]
  if (before instanceof CID) return { $link: before.toString() }
  if (before instanceof Uint8Array) return { $bytes: Buffer.from(before).toString('base64') }
  return value
}

/** Rates of decoding, with block hashes off and on; undefined where the recorded frames are not there. */
export function benchDecode(): { off: Rate[]; on: Rate[] } | undefined {
  if (!existsSync(corpus)) return undefined
  const frames = loadFrames()
  const candidates = (hashing: boolean): Candidate[] => [
    { name: 'orrery', step: i => ours(frames[i % frames.length]!, hashing) },
    { name: '@atcute', step: i => withAtcute(frames[i % frames.length]!, hashing) },
    { name: '@ipld', step: i => withIpld(frames[i % frames.length]!, hashing) },
  ]
  return { off: compare(candidates(false)), on: compare(candidates(true)) }
}

if (import.meta.main) console.log(benchDecode())
