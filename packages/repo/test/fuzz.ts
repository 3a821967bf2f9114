import * as fc from 'fast-check'
import {
  type Block,
  ByteSink,
  checkInclusion,
  Cid,
  cidFromBytes,
  cidOf,
  type CommitFrame,
  decodeCbor,
  encodeCbor,
  encodeFrame,
  generateSigningKey,
  invertOps,
  loadFrom,
  loadFromCar,
  parseCid,
  parsePublicKey,
  peekFrame,
  readCar,
  readCarStream,
  readCommit,
  readFrame,
  readMstNode,
  RecordTranscoder,
  RepoError,
  signCommit,
  tidToTimeUs,
  valueFromJson,
  verifyCommit,
  verifySync,
  walkTree,
  writeCar,
} from '../src/index.ts'
import { values } from './arbitraries.ts'
import { apply, did, makeCommit, nowUs, rev } from './commits.ts'
import { corpusFrames } from './shared-data.ts'
import { nodesOf, pool, recordCid, rootOf } from './trees.ts'

const key = parsePublicKey(generateSigningKey().multikey)
const transcoder = new RecordTranscoder()

/** Everything that reads bytes from outside. */
export const readers: Record<string, (bytes: Uint8Array) => unknown> = {
  decodeCbor,
  peekFrame,
  readFrame,
  readCommit,
  cidFromBytes,
  readMstNode: bytes => readMstNode(bytes, 0, bytes.length),
  'readMstNode in a layer': bytes => readMstNode(bytes, 0, bytes.length, 3),
  RecordTranscoder: bytes => transcoder.write(bytes, 0, bytes.length, new ByteSink(16)),
  readCar,
  'readCar, unverified': bytes => {
    const car = readCar(bytes, { verify: false })
    const load = loadFromCar(car)
    for (const root of car.roots) Array.from(walkTree(load(root.bytes, undefined), load))
  },
  'verifyCommit, verifySync': bytes => {
    const frame = readFrame(bytes)
    if (frame.kind === 'commit') {
      verifyCommit(frame, { nowUs, checks: 'none' })
      verifyCommit(frame, { nowUs, checks: 'full' })
      verifyCommit(frame, { key, nowUs, checks: 'full' })
    }
    if (frame.kind === 'sync') verifySync(frame, { nowUs, checks: 'full' })
  },
}

/** Everything that reads text from outside. */
export const textReaders: Record<string, (text: string) => unknown> = {
  parsePublicKey,
  'parsePublicKey of a Multikey': text => parsePublicKey(`z${text}`),
  parseCid,
  tidToTimeUs,
}

/** Bytes of every format, to be damaged. */
export function samples(): Uint8Array[] {
  const signing = generateSigningKey()
  const before = new Map(pool.slice(0, 60).map(path => [path, recordCid(1)]))
  const changes = pool.slice(40, 70).map((path, i) => ({ path, to: i % 3 === 0 && i < 20 ? undefined : i }))
  const made = makeCommit({ before, changes, key: signing })
  const car = readCar(made.frame.blocks)
  const blocks: Block[] = Array.from({ length: car.size }, (_, i) => {
    return { cid: car.cid(i), bytes: car.bytes.subarray(car.start(i), car.end(i)) }
  })
  const commit = signCommit({ did, rev, data: recordCid(1) }, signing)
  const { root, nodes } = nodesOf(before)
  const tree = Array.from(nodes.values(), (bytes): Block => ({ cid: cidOf(bytes), bytes }))
  const frames = corpusFrames()
  const sync = { seq: 2, did, rev, blocks: made.frame.blocks, time: '' }
  return [
    made.bytes,
    made.frame.blocks,
    writeCar(root, tree),
    commit.bytes,
    cidOf(commit.bytes).bytes,
    encodeFrame('#sync', sync),
    encodeFrame('#account', { seq: 3, did, active: false, status: 'deactivated', time: '' }),
    encodeFrame('#identity', { seq: 4, did, handle: 'a.example', time: '' }),
    encodeFrame('#info', { name: 'OutdatedCursor' }),
    ...blocks.map(block => block.bytes),
    ...frames,
    ...frames.map(bytes => (readFrame(bytes) as CommitFrame).blocks),
  ]
}

interface Damage {
  at: number
  remove: number | undefined
  insert: Uint8Array
}

/** What is cut out and put in, at a share of the length. Small bytes are heads of CBOR more often than not. */
const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.record({
    // Even over the whole: doubles crowd at zero, where the header is.
    at: fc.noBias(fc.nat(99_999)).map(share => share / 100_000),
    // Most often as much as is put in, so that the lengths around it still hold.
    remove: fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.nat(2), fc.nat(60)),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom('9f', 'ff', 'bb7fffffffffffffff', 'd82a', 'f6', 'a0', '80', '81818181', '5affffffff')
        .map(text => {
          return Uint8Array.from(Buffer.from(text, 'hex'))
        }),
    ),
  }),
  { minLength: 1, maxLength: 4 },
)

function damaged(bytes: Uint8Array, list: readonly Damage[]): Uint8Array {
  let out = Buffer.from(bytes)
  for (const { at, remove, insert } of list) {
    const start = Math.floor(at * out.length)
    out = Buffer.concat([out.subarray(0, start), insert, out.subarray(start + (remove ?? insert.length))])
  }
  return Uint8Array.from(out)
}

/** Bytes from nowhere, valid values, and damaged messages. */
export function hostileBytes(): fc.Arbitrary<Uint8Array> {
  const honest = samples()
  return fc.oneof(
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 2, arbitrary: values().value.map(encodeCbor) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(values().value.map(encodeCbor), damages)
        .map(([bytes, list]) => damaged(bytes, list)),
    },
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constantFrom(...honest), damages).map(([bytes, list]) => damaged(bytes, list)),
    },
  )
}

/** Undoes operations on a tree of which two nodes are damaged, as if they had been hashed so, and walks it. */
const invertDamaged: fc.Arbitrary<() => void> = fc
  .tuple(fc.nat(), damages, fc.nat(), damages, fc.nat(40), fc.boolean())
  .map(([one, oneDamage, two, twoDamage, from, verbatim]) => () => {
    const before = new Map(pool.slice(0, 60).map(path => [path, recordCid(1)]))
    const changes = pool.slice(from, from + 20).map((path, i) => ({ path, to: i % 2 === 0 ? i : undefined }))
    const { after, ops } = apply(
      before,
      changes.filter(({ path, to }) => to !== undefined || before.has(path)),
    )
    const { root, nodes } = nodesOf(after)
    const names = Array.from(nodes.keys())
    for (const [pick, list] of [
      [one, oneDamage],
      [two, twoDamage],
    ] as const) {
      const name = names[pick % names.length]!
      nodes.set(
        name,
        verbatim ? nodes.get(names[(pick + 1) % names.length]!)! : damaged(nodes.get(name)!, list),
      )
    }
    const load = loadFrom({ get: cid => nodes.get(cid.toString()) })
    staysInBounds(() => checkInclusion(load(root.bytes, undefined), ops, load), undefined)
    staysInBounds(() => Array.from(walkTree(load(root.bytes, undefined), load)), undefined)
    staysInBounds(() => {
      const undone = new Cid(invertOps(load(root.bytes, undefined), ops, load)).toString()
      // Where every damaged node was off the way the honest root comes out; any other is one that a commit cannot say.
      if (undone !== rootOf(before)) throw new RepoError('bad_proof')
    }, undefined)
  })

/** Throws whatever `read` throws but RepoError, and where it takes longer than any honest input does. */
export function staysInBounds<T>(read: (input: T) => unknown, input: T): void {
  const start = performance.now()
  try {
    read(input)
  } catch (error) {
    if (!(error instanceof RepoError)) throw error
  }
  const took = performance.now() - start
  if (took > 2000) throw new Error(`took ${took} ms`)
}

/** As `staysInBounds`, for a CAR that comes in chunks. */
export async function streamStaysInBounds(bytes: Uint8Array, chunkBytes: number): Promise<void> {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes))
  try {
    const kept: Block[] = []
    for await (const block of await readCarStream(chunks)) kept.push(block)
  } catch (error) {
    if (!(error instanceof RepoError)) throw error
  }
}

/** The properties, each a name and how to try it that many times. */
export function properties(): [name: string, check: (numRuns: number) => Promise<void> | void][] {
  const bytes = hostileBytes()
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('1', '2', 'a', 'b', 'z', 'A', 'Z'), maxLength: 70 }),
  )
  return [
    ...Object.entries(readers).map(([name, read]): [string, (numRuns: number) => void] => [
      name,
      numRuns =>
        fc.assert(
          fc.property(bytes, input => staysInBounds(read, input)),
          { numRuns },
        ),
    ]),
    ...Object.entries(textReaders).map(([name, read]): [string, (numRuns: number) => void] => [
      name,
      numRuns =>
        fc.assert(
          fc.property(text, input => staysInBounds(read, input)),
          { numRuns },
        ),
    ]),
    [
      'invertOps, checkInclusion, walkTree',
      numRuns =>
        fc.assert(
          fc.property(invertDamaged, act => act()),
          { numRuns: Math.ceil(numRuns / 4) },
        ),
    ],
    [
      'valueFromJson',
      numRuns =>
        fc.assert(
          fc.property(fc.anything(), input => staysInBounds(valueFromJson, input)),
          { numRuns },
        ),
    ],
    [
      'readCarStream',
      numRuns =>
        fc.assert(
          fc.asyncProperty(bytes, fc.integer({ min: 1, max: 5000 }), (input, size) =>
            streamStaysInBounds(input, size),
          ),
          { numRuns },
        ),
    ],
  ]
}
