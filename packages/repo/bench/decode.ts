import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { fromUint8Array } from '@atcute/car'
import * as atcute from '@atcute/cbor'
import { CarBufferReader } from '@ipld/car/buffer-reader'
import * as dagCbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { isDigestAt } from '../src/cid.ts'
import { ByteSink, type CommitFrame, equalBytes, readCar, readFrame, RecordTranscoder } from '../src/index.ts'
import { corpusFrames } from '../test/shared-data.ts'
import { type Candidate, compareApart, type Figure, figuresOf, serveCandidate } from './harness.ts'

// From the bytes of a frame to the bytes of its records' JSON, as three stacks of libraries do it: header and body, the
// blocks of the CAR, the records of the operations by their CIDs. Each is used in the fastest way of its public interface
// that we found, and gets its frames in the kind of array that it likes best. Hashes are once each library's own, and once
// our way to them for all, which is the faster one.

type Hashes = 'off' | 'on' | 'ours'
type Decode = (frame: Uint8Array, hashes: Hashes) => Uint8Array[]

const transcoder = new RecordTranscoder()
const sink = new ByteSink()

const withOrrery: Decode = (frame, hashes) => {
  const message = readFrame(frame) as CommitFrame
  const car = readCar(message.blocks, { verify: hashes !== 'off' })
  const records: Uint8Array[] = []
  sink.reset()
  for (const op of message.ops) {
    if (!op.cid) continue
    const block = car.find(op.cid.bytes, 0)
    const start = sink.length
    transcoder.write(car.bytes, car.start(block), car.end(block), sink)
    records.push(sink.buffer.subarray(start, sink.length))
  }
  return records
}

interface AtcuteBody {
  blocks: atcute.BytesWrapper
  ops: { cid: { bytes: Uint8Array } | null }[]
}

const withAtcute: Decode = (frame, hashes) => {
  const [, rest] = atcute.decodeFirst(frame)
  const body = atcute.decode(rest) as AtcuteBody
  const blocks = [...fromUint8Array(body.blocks.buf)]
  if (hashes !== 'off') {
    // What its `toSha256` does, which is asynchronous and so some more work.
    const digestOf = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')
    for (const { cid, bytes } of blocks) checkDigest(bytes, cid.digest.contents, hashes, digestOf)
  }
  const records: Uint8Array[] = []
  for (const { cid } of body.ops) {
    if (!cid) continue
    const wanted = cid.bytes
    // A Map would cost more than it saves with one operation among ten blocks.
    const block = blocks.find(one => equalBytes(one.cid.bytes, wanted))!
    records.push(Buffer.from(JSON.stringify(atcute.decode(block.bytes))))
  }
  return records
}

interface IpldBody {
  blocks: Uint8Array
  ops: { cid: CID | null }[]
}

/** The header of a commit, which dag-cbor has no way to read before the body: passed over. */
const headerBytes = 15

const withIpld: Decode = (frame, hashes) => {
  const body: IpldBody = dagCbor.decode(frame.subarray(headerBytes))
  const car = CarBufferReader.fromBytes(body.blocks)
  if (hashes !== 'off') {
    const digestOf = (bytes: Uint8Array): Uint8Array => sha256.encode(bytes) as Uint8Array
    for (const { cid, bytes } of car.blocks()) checkDigest(bytes, cid.multihash.digest, hashes, digestOf)
  }
  const records: Uint8Array[] = []
  for (const { cid } of body.ops) {
    if (cid) records.push(Buffer.from(JSON.stringify(toJson(dagCbor.decode(car.get(cid)!.bytes)))))
  }
  return records
}

/** A value with links and bytes as atproto's JSON has them. In place, which takes less than a replacer or a copy. */
function toJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = toJson(value[i])
    return value
  }
  if (value instanceof CID) return { $link: value.toString() }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64').replace(/=+$/, '') }
  const map = value as Record<string, unknown>
  for (const key of Object.keys(map)) {
    const field = map[key]
    if (typeof field === 'object') map[key] = toJson(field)
  }
  return map
}

function checkDigest(
  bytes: Uint8Array,
  digest: Uint8Array,
  hashes: Hashes,
  digestOf: (bytes: Uint8Array) => Uint8Array,
): void {
  const isIt = hashes === 'on' ? equalBytes(digestOf(bytes), digest) : isDigestAt(bytes, digest, 0)
  if (!isIt) throw new Error('a block is not what its CID says')
}

const stacks: Record<string, Decode> = { orrery: withOrrery, '@atcute': withAtcute, '@ipld': withIpld }

/** Frames decoded to JSON beside others, with block hashes off and on; empty where the recorded frames are not there. */
export async function benchDecode(): Promise<Figure[]> {
  const frames = corpusFrames()
  for (const frame of frames) checkAgreement(frame)
  if (frames.length === 0) return []
  const figures: Figure[] = []
  const rows: Record<Hashes, string> = {
    off: 'frames/s of a core to JSON, block hashes off',
    on: 'frames/s of a core to JSON, block hashes on',
    ours: 'the same, all with our hashes',
  }
  for (const [hashes, row] of Object.entries(rows)) {
    const names = Object.keys(stacks).map(name => `${name},${hashes}`)
    const rates = await compareApart(import.meta.filename, names)
    for (const rate of rates) rate.name = rate.name.split(',')[0]!
    figures.push(...figuresOf(row, rates))
  }
  return figures
}

/** That they all do the work. */
function checkAgreement(frame: Uint8Array): void {
  const [ours, ...theirs] = Object.values(stacks).map(decode =>
    decode(Buffer.from(frame), 'on').map(json => JSON.parse(Buffer.from(json).toString()) as unknown),
  )
  if (!theirs.every(records => isDeepStrictEqual(ours, records))) throw new Error('they say something else')
}

function candidate(name: string): Candidate {
  const [stack, hashes] = name.split(',') as [string, Hashes]
  const decode = stacks[stack]!
  // A WebSocket gives Buffers; the libraries that are faster with plain arrays get those.
  const frames = corpusFrames().map(frame => (stack === '@atcute' ? frame : Buffer.from(frame)))
  return { name, step: i => decode(frames[i % frames.length]!, hashes) }
}

if (import.meta.main) {
  const [name] = process.argv.slice(2)
  if (name) serveCandidate(candidate(name))
  else console.table(await benchDecode())
}
