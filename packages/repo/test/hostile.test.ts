import { describe, expect, it } from 'vitest'
import {
  type Block,
  buildTree,
  ByteSink,
  Cid,
  cidOf,
  type CommitFrame,
  type CommitOp,
  concatBytes,
  decodeCbor,
  encodeCbor,
  encodeFrame,
  generateSigningKey,
  keyLayer,
  nodeCid,
  parsePublicKey,
  peekFrame,
  readCar,
  readCommit,
  readFrame,
  readMstNode,
  RecordTranscoder,
  signCommit,
  verifyCommit,
  writeCar,
} from '../src/index.ts'
import { encodeVarint } from '../src/varint.ts'
import { writeHead, writeLink } from '../src/cbor/encode.ts'
import { did, nowUs, rev, wireOp } from './commits.ts'
import { hex, refusal } from './refused.ts'

/** How long `act` takes, in milliseconds. The limits below are many times what it takes; quadratic work is far beyond. */
function time(act: () => void): number {
  const start = performance.now()
  act()
  return performance.now() - start
}

describe('20,000 levels are refused at the hundredth, by every reader', () => {
  const arrays = new Uint8Array(20_000).fill(0x81)
  const maps = hex('a1 6161'.repeat(20_000))
  const tags = new Uint8Array(20_000).fill(0xc1)
  const header = encodeCbor({ op: 1, t: '#commit' })
  const readers: [name: string, code: string, read: (deep: Uint8Array) => unknown][] = [
    ['decodeCbor', 'cbor_too_deep', decodeCbor],
    [
      'RecordTranscoder',
      'cbor_too_deep',
      deep => {
        const record = concatBytes([hex('a1 6161'), deep])
        new RecordTranscoder().write(record, 0, record.length, new ByteSink(8))
      },
    ],
    ['readFrame, in the header', 'frame_bad', deep => readFrame(concatBytes([hex('a1 6161'), deep]))],
    [
      'readFrame, in the body',
      'cbor_too_deep',
      deep => readFrame(concatBytes([header, hex('a1 6161'), deep])),
    ],
    ['peekFrame', 'cbor_too_deep', deep => peekFrame(concatBytes([header, hex('a1 6161'), deep]))],
    ['readCommit', 'commit_bad', deep => readCommit(concatBytes([hex('a1 6161'), deep]))],
    [
      'readCar',
      'car_bad_header',
      deep => {
        const carHeader = concatBytes([hex('a1 6161'), deep.subarray(0, 9000)])
        readCar(concatBytes([encodeVarint(carHeader.length), carHeader]))
      },
    ],
  ]

  it.each(readers)('%s', (_, code, read) => {
    for (const deep of [arrays, maps]) {
      expect(time(() => expect(refusal(() => read(deep))).toBe(code))).toBeLessThan(300)
    }
  })

  it('tags are refused at the first, or at the hundredth where nobody looks', () => {
    expect(refusal(() => decodeCbor(tags))).toBe('cbor_bad_tag')
    expect(refusal(() => readFrame(concatBytes([header, hex('a1 6161'), tags])))).toBe('cbor_too_deep')
  })
})

describe('a map of 100,000 keys', () => {
  // In CBOR the shorter come first, in JSON the lower: each group of a length comes before all that are in front of it.
  const keys = Array.from({ length: 100_000 }, (_, i) => {
    const group = Math.floor(i / 4000)
    return String.fromCharCode(0x7a - group) + String(i % 4000).padStart(4 + group, '0')
  })
  const bytes = concatBytes([hex('ba 000186a0'), ...keys.flatMap(key => [encodeCbor(key), hex('00')])])

  it('is written in order in no time to speak of', () => {
    const sink = new ByteSink(8)
    expect(time(() => new RecordTranscoder().write(bytes, 0, bytes.length, sink))).toBeLessThan(2000)
    const written = Object.keys(JSON.parse(sink.view().toString()) as object)
    expect(written).toEqual(keys.toSorted())
  })

  it('is decoded in no time to speak of', () => {
    expect(time(() => expect(Object.keys(decodeCbor(bytes) as object)).toHaveLength(100_000))).toBeLessThan(
      2000,
    )
  })
})

describe('a length that is a lie', () => {
  const claims = ['5b', '7b', '9b', 'bb'].flatMap(head => [
    hex(`${head} 7fffffffffffffff`),
    hex(`${head} 0000000100000000`),
    hex(`${head} ffffffffffffffff`),
  ])
  const claims32 = ['5a', '7a', '9a', 'ba'].map(head => hex(`${head} ffffffff`))

  it.each([...claims, ...claims32].map(claim => [Buffer.from(claim).toString('hex'), claim] as const))(
    '%s allocates nothing',
    (_, claim) => {
      const record = concatBytes([hex('a1 6161'), claim])
      const frame = concatBytes([encodeCbor({ op: 1, t: '#commit' }), record])
      const before = process.memoryUsage().arrayBuffers
      const transcoder = new RecordTranscoder()
      for (let i = 0; i < 200; i++) {
        expect(refusal(() => decodeCbor(record))).toBe('cbor_truncated')
        expect(refusal(() => transcoder.write(record, 0, record.length, new ByteSink(8)))).toBe(
          'cbor_truncated',
        )
        expect(refusal(() => readFrame(frame))).toBe('cbor_truncated')
        expect(refusal(() => peekFrame(frame))).toBe('cbor_truncated')
        expect(refusal(() => readMstNode(claim, 0, claim.length))).toMatch(/^cbor_/)
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024)
    },
  )

  it('of a CAR block is refused', () => {
    const car = writeCar(cidOf(new Uint8Array(0)), [])
    expect(refusal(() => readCar(concatBytes([car, encodeVarint(2 ** 34)])))).toBe('car_truncated')
    expect(refusal(() => readCar(encodeVarint(2 ** 34)))).toBe('car_bad_header')
  })
})

describe('a CAR of 2 MB', () => {
  const smallest = { cid: cidOf(encodeCbor({})), bytes: encodeCbor({}) }

  it('of one block again and again is read in no time to speak of', () => {
    const car = writeCar(
      smallest.cid,
      Array.from({ length: 50_000 }, () => smallest),
    )
    expect(time(() => expect(readCar(car).size).toBe(50_000))).toBeLessThan(900)
  })

  it('of more blocks than that is refused', () => {
    const car = writeCar(
      smallest.cid,
      Array.from({ length: 50_001 }, () => smallest),
    )
    expect(refusal(() => readCar(car))).toBe('car_bad_block')
  })

  it('of CIDs that start the same, though no block has them, is refused before that costs', () => {
    const blocks: Block[] = Array.from({ length: 50_000 }, (_, i) => {
      const cid = new Cid(smallest.cid.bytes.slice())
      new DataView(cid.bytes.buffer).setUint32(32, i)
      return { cid, bytes: smallest.bytes }
    })
    const car = writeCar(smallest.cid, blocks)
    const took = time(() => expect(refusal(() => readCar(car, { verify: false }))).toBe('car_bad_block'))
    expect(took).toBeLessThan(2000)
  })
})

describe('a tree of one huge node', () => {
  const signing = generateSigningKey()
  const key = parsePublicKey(signing.multikey)
  const value = cidOf(encodeCbor({ $type: 'com.example.record' }))

  /** A commit of a tree whose keys are all in one node, and that sets the first two hundred. */
  function hugeCommit(prev: Cid | undefined): CommitFrame {
    const keys: string[] = []
    // One key above, so that the huge node is not the root, which is at hand.
    for (let i = 0; keys.length < 20_001; i++) {
      const path = `com.example.collection/${String(i).padStart(20, '0')}`
      if (keyLayer(path) === (keys.length < 20_000 ? 0 : 1)) keys.push(path)
    }
    const blocks: Block[] = []
    const tree = buildTree(keys.map(path => ({ key: path, value: value.bytes })))
    const data = new Cid(nodeCid(tree, (cid, bytes) => void blocks.push({ cid: new Cid(cid), bytes })))
    const commit = signCommit({ did, rev, data }, signing)
    const ops = keys
      .slice(0, 200)
      .map((path): CommitOp => ({ action: 'update', path, cid: value, prev: prev ?? null }))
    const body = {
      seq: 1,
      repo: did,
      rev,
      since: null,
      commit: commit.cid,
      prevData: value,
      ops: ops.map(wireOp),
      blocks: writeCar(commit.cid, [commit, ...blocks]),
      time: '',
    }
    return readFrame(encodeFrame('#commit', body)) as CommitFrame
  }

  it('is not read again for each of 200 operations', () => {
    const included = hugeCommit(undefined)
    const took = time(() => {
      expect(verifyCommit(included, { key, nowUs, checks: 'full' }).proof).toBe('included')
    })
    expect(took).toBeLessThan(2000)
  })

  it('is not changed again in full for each of 200 operations', () => {
    const inverted = hugeCommit(cidOf(encodeCbor({ $type: 'com.example.other' })))
    const took = time(() =>
      expect(refusal(() => verifyCommit(inverted, { key, nowUs, checks: 'full' }))).toBe('bad_proof'),
    )
    expect(took).toBeLessThan(2000)
  })

  it('with keys that unfold to twenty times its size is read in no time to speak of', () => {
    const sink = new ByteSink(64)
    writeHead(sink, 5, 2)
    writeText(sink, 'e')
    const count = 30_000
    writeHead(sink, 4, count)
    for (let i = 0; i < count; i++) {
      writeHead(sink, 5, 4)
      writeText(sink, 'k')
      const suffix = i === 0 ? new Uint8Array(1022).fill(0x61) : Uint8Array.of(i >>> 8, i & 255)
      writeHead(sink, 2, suffix.length)
      sink.copy(suffix, 0, suffix.length)
      writeText(sink, 'p')
      writeHead(sink, 0, i === 0 ? 0 : i === 1 ? 1022 : 1022)
      writeText(sink, 't')
      sink.ascii('\u00f6')
      writeText(sink, 'v')
      writeLink(sink, value.bytes, 0)
    }
    writeText(sink, 'l')
    sink.ascii('\u00f6')
    const bytes = Uint8Array.from(sink.view())
    expect(bytes.length).toBeLessThan(2_000_000)
    expect(time(() => expect(readMstNode(bytes, 0, bytes.length, 0).keys).toHaveLength(count))).toBeLessThan(
      1000,
    )
  })
})

it('a public key of a million digits is refused at once', () => {
  const long = `did:key:z${'z'.repeat(1_000_000)}`
  expect(time(() => expect(refusal(() => parsePublicKey(long))).toBe('key_unsupported'))).toBeLessThan(300)
})

function writeText(sink: ByteSink, text: string): void {
  writeHead(sink, 3, text.length)
  sink.ascii(text)
}
