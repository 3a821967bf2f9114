import { ByteSink } from '../bytes.ts'
import { writeHead, writeLink } from '../cbor/encode.ts'
import { CborReader } from '../cbor/reader.ts'
import { cidBytes, cidOf, sha256 } from '../cid.ts'
import { RepoError } from '../errors.ts'

/** The 36 bytes of a CID. Trees hold thousands of them, so they are bare views. */
export type CidBytes = Uint8Array

/**
 * One node of a Merkle search tree, immutable. `children[i]` holds the keys before `keys[i]`, the last child those behind
 * the last key; a child is a node, the CID of one that is not loaded, or null. Keys are repository paths as strings with
 * one byte a character, so that `<` orders them as bytes.
 *
 * @see https://atproto.com/specs/repository#mst-structure
 */
export interface MstNode {
  /** How high above the leaves; the keys here have a hash with twice as many leading zero bits (or one more). */
  readonly layer: number
  readonly keys: readonly string[]
  readonly values: readonly CidBytes[]
  readonly children: readonly MstChild[]
  /** Known once the node was read from a block or `nodeCid` was called. */
  cid?: CidBytes
}

export type MstChild = MstNode | CidBytes | null

/** The longest path that the protocol allows: a collection of 317, a slash, a record key of 512, and room. */
export const maxKeyBytes = 1024

/** How many layers a tree can have: a hash has 256 bits, and a layer takes two. */
export const maxLayers = 128

/** The layer that a key belongs in: half the leading zero bits of its sha2-256. */
export function keyLayer(key: string): number {
  const digest = sha256(Buffer.from(key, 'latin1'))
  for (let i = 0; i < digest.length; i++) {
    const byte = digest[i]!
    if (byte !== 0) return Math.floor((i * 8 + Math.clz32(byte) - 24) / 2)
  }
  return maxLayers
}

/**
 * The key of a path: its UTF-8, one byte a character. A valid path is ASCII and its own key; but a sender's may be
 * anything, and one that is not ASCII must not pass for the key that its characters have when they are cut to a byte.
 */
export function keyOfPath(path: string): string {
  return Buffer.byteLength(path) === path.length ? path : Buffer.from(path).toString('latin1')
}

/** @throws RepoError `mst_bad_key` where the key is empty, too long, or not one byte a character */
export function checkKey(key: string): void {
  if (key.length === 0 || key.length > maxKeyBytes) throw new RepoError('mst_bad_key', `length=${key.length}`)
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) > 0xff) throw new RepoError('mst_bad_key', 'a character is more than a byte')
  }
}

/** How many characters two keys share at their start. */
export function commonPrefix(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a.charCodeAt(i) !== b.charCodeAt(i)) return i
  return length
}

const keyScratch = Buffer.allocUnsafeSlow(maxKeyBytes)

/**
 * Reads a node from `bytes[start, end)`; its CIDs are views. `layer` is the parent's less one; leave it out for a root,
 * whose layer is that of its first key.
 *
 * @throws RepoError `mst_bad_node`, `cbor_*`, `cid_invalid`
 */
export function readMstNode(bytes: Uint8Array, start: number, end: number, layer?: number): MstNode {
  const reader = new CborReader(bytes, start, end)
  const keys: string[] = []
  const values: CidBytes[] = []
  const rest: MstChild[] = []
  if (reader.map() !== 2) throw badNode('a node has the fields e and l')
  expectField(reader, 0x65)
  const count = reader.array()
  let keyLength = 0
  let last = ''
  for (let i = 0; i < count; i++) {
    if (reader.map() !== 4) throw badNode('an entry has the fields k, p, t and v')
    expectField(reader, 0x6b)
    const suffix = reader.byteString()
    expectField(reader, 0x70)
    const prefix = reader.integer()
    if (prefix < 0 || prefix > keyLength || prefix + suffix.length > maxKeyBytes) throw badNode('prefix')
    keyScratch.set(suffix, prefix)
    keyLength = prefix + suffix.length
    const key = keyScratch.toString('latin1', 0, keyLength)
    if (i > 0 && key <= last) throw badNode('the keys are not in order')
    last = key
    keys.push(key)
    expectField(reader, 0x74)
    rest.push(linkOrNull(reader))
    expectField(reader, 0x76)
    values.push(linkView(reader))
  }
  expectField(reader, 0x6c)
  const children = [linkOrNull(reader), ...rest]
  reader.finish()

  const own = layer ?? (count > 0 ? keyLayer(last) : 0)
  if (own < 0 || (own === 0 && children.some(child => child !== null))) throw badNode(`layer=${own}`)
  if (count === 0 && layer === undefined && children[0] !== null) throw badNode('the root holds no key')
  return { layer: own, keys, values, children }
}

const sink = new ByteSink(16 * 1024)

/** The DAG-CBOR of a node; every child must have its CID already, as `nodeCid` sees to. */
export function encodeMstNode(node: MstNode): Uint8Array {
  sink.reset()
  writeHead(sink, 5, 2)
  writeField(0x65)
  writeHead(sink, 4, node.keys.length)
  let last = ''
  for (let i = 0; i < node.keys.length; i++) {
    const key = node.keys[i]!
    const prefix = commonPrefix(last, key)
    writeHead(sink, 5, 4)
    writeField(0x6b)
    writeHead(sink, 2, key.length - prefix)
    sink.reserve(key.length)
    for (let j = prefix; j < key.length; j++) sink.buffer[sink.length++] = key.charCodeAt(j)
    writeField(0x70)
    writeHead(sink, 0, prefix)
    writeField(0x74)
    writeChild(node.children[i + 1]!)
    writeField(0x76)
    writeLink(sink, node.values[i]!, 0)
    last = key
  }
  writeField(0x6c)
  writeChild(node.children[0]!)
  return Uint8Array.from(sink.view())
}

/**
 * The CID of a node, computing it and those of changed nodes below. `onBlock` is told of each node that had none yet,
 * children first: the blocks that a commit adds.
 */
export function nodeCid(node: MstNode, onBlock?: (cid: CidBytes, bytes: Uint8Array) => void): CidBytes {
  if (node.cid) return node.cid
  for (const child of node.children) if (isNode(child)) nodeCid(child, onBlock)
  const bytes = encodeMstNode(node)
  node.cid = cidOf(bytes).bytes
  onBlock?.(node.cid, bytes)
  return node.cid
}

export function isNode(child: MstChild): child is MstNode {
  return child !== null && !(child instanceof Uint8Array)
}

function expectField(reader: CborReader, letter: number): void {
  const { bytes, pos } = reader
  if (bytes[pos] !== 0x61 || bytes[pos + 1] !== letter || pos + 2 > reader.end) {
    throw badNode(`expected=${String.fromCharCode(letter)}`)
  }
  reader.pos = pos + 2
}

function linkOrNull(reader: CborReader): CidBytes | null {
  return reader.tryNull() ? null : linkView(reader)
}

function linkView(reader: CborReader): CidBytes {
  const at = reader.link()
  return reader.bytes.subarray(at, at + cidBytes)
}

function writeField(letter: number): void {
  sink.reserve(2)
  sink.buffer[sink.length++] = 0x61
  sink.buffer[sink.length++] = letter
}

function writeChild(child: MstChild): void {
  if (child === null) {
    sink.reserve(1)
    sink.buffer[sink.length++] = 0xf6
  } else writeLink(sink, isNode(child) ? child.cid! : child, 0)
}

function badNode(detail: string): RepoError {
  return new RepoError('mst_bad_node', detail)
}
