import { describe, expect, it } from 'vitest'
import { refusal } from '../../test/refused.ts'
import { pool, recordCid } from '../../test/trees.ts'
import type { CborValue } from '../cbor/decode.ts'
import { encodeCbor } from '../cbor/encode.ts'
import { Cid, codecs, cidOf } from '../cid.ts'
import {
  encodeMstNode,
  keyLayer,
  maxKeyBytes,
  type MstNode,
  nodeCid,
  readMstNode,
  withChild,
  withValue,
} from './node.ts'
import { addKey, emptyTree, loadFrom, nothingToLoad } from './tree.ts'
import { buildTree, walkTree } from './walk.ts'

const value = recordCid(1)
const low = pool.filter(path => keyLayer(path) === 0).toSorted()
const high = pool.filter(path => keyLayer(path) === 2).toSorted()

/** An entry with a key that shares `p` characters with the one before. */
function entry(key: string, p = 0, t: Cid | null = null): { [key: string]: CborValue } {
  return { k: Buffer.from(key.slice(p), 'latin1'), p, t, v: value }
}

function node(e: CborValue, l: CborValue = null): Uint8Array {
  return encodeCbor({ e, l })
}

function read(bytes: Uint8Array, layer?: number): MstNode {
  return readMstNode(bytes, 0, bytes.length, layer)
}

describe('a node', () => {
  it('reads with its keys unfolded', () => {
    const child = recordCid(2)
    const { keys, values, children, layer } = read(node([entry('a/b', 0, child), entry('a/cd', 2)], child), 1)
    expect({ keys, layer }).toEqual({ keys: ['a/b', 'a/cd'], layer: 1 })
    expect(values.map(cid => new Cid(cid).toString())).toEqual([value.toString(), value.toString()])
    expect(children.map(cid => cid && new Cid(cid as Uint8Array).toString())).toEqual([
      `${child}`,
      `${child}`,
      null,
    ])
  })

  it('of a root stands in the layer of its keys', () => {
    expect(read(node([entry(high[0]!)])).layer).toBe(2)
    expect(read(node([])).layer).toBe(0)
  })

  it.each<[string, Uint8Array, string, number?]>([
    ['no map', encodeCbor([]), 'cbor_bad_value'],
    ['another field', encodeCbor({ e: [], l: null, x: 1 }), 'mst_bad_node'],
    ['a field less', encodeCbor({ e: [] }), 'mst_bad_node'],
    ['other fields', encodeCbor({ a: [], l: null }), 'mst_bad_node'],
    ['entries that are no list', encodeCbor({ e: null, l: null }), 'cbor_bad_value'],
    ['an entry with a field less', node([{ k: new Uint8Array(1), p: 0, v: value }]), 'mst_bad_node'],
    [
      'an entry with another field',
      node([{ k: new Uint8Array(1), p: 0, t: null, w: value }]),
      'mst_bad_node',
    ],
    ['a key that is text', node([{ k: 'a', p: 0, t: null, v: value }]), 'cbor_bad_value'],
    ['a first key that shares', node([entry('a/b', 1)]), 'mst_bad_node'],
    ['a key that shares more than there is', node([entry('a/b'), entry('a/bcde', 4)]), 'mst_bad_node'],
    ['a prefix below zero', node([{ ...entry('a/b'), p: -1 }]), 'mst_bad_node'],
    ['a value that is null', node([{ ...entry('a/b'), v: null }]), 'cbor_bad_value'],
    ['a child that is text', node([], 'text'), 'cbor_bad_value'],
    ['keys that fall', node([entry('a/c'), entry('a/b')]), 'mst_bad_node'],
    ['a key twice', node([entry('a/b'), entry('a/b')]), 'mst_bad_node'],
    ['a key that is too long', node([entry('k'.repeat(maxKeyBytes + 1))]), 'mst_bad_node'],
    [
      'a key that is too long with what it shares',
      node([entry('k'.repeat(1000)), { ...entry('x'.repeat(100)), p: 1000 }]),
      'mst_bad_node',
    ],
    ['a byte behind it', Buffer.concat([node([]), Buffer.of(0)]), 'cbor_trailing'],
    ['children below the leaves', node([entry(low[0]!)], recordCid(2)), 'mst_bad_node'],
    ['children behind a key below the leaves', node([entry(low[0]!, 0, recordCid(2))], null), 'mst_bad_node'],
    ['no key, and a child, at the top', node([], recordCid(2)), 'mst_bad_node'],
    ['a layer below the leaves', node([]), 'mst_bad_node', -1],
  ])('is refused for %s', (_, bytes, code, layer) => {
    expect(refusal(() => read(bytes, layer))).toBe(code)
  })

  it('takes a key of just the longest', () => {
    expect(read(node([entry('k'.repeat(maxKeyBytes))]), 0).keys[0]).toHaveLength(maxKeyBytes)
  })

  it('is the same whether its links are dag-cbor or raw: a value may be either', () => {
    const raw = cidOf(Uint8Array.of(1), codecs.raw)
    expect(new Cid(read(node([{ ...entry('a/b'), v: raw }]), 0).values[0]!).equals(raw)).toBe(true)
  })

  it('of the layer of no hash but zeros is the highest', () => {
    expect(keyLayer('')).toBe(0)
    expect(Math.max(...pool.map(keyLayer))).toBe(7)
  })
})

describe('a node of which one CID changes', () => {
  // What is shared with the key before is left out as far as it goes, but need not be.
  const honest = [entry('com.example.a/1'), entry('com.example.a/2', 14)]
  const wordy = [entry('com.example.a/1'), entry('com.example.a/2', 3)]

  it.each([
    ['was encoded as everybody does', honest],
    ['was not', wordy],
  ])('is encoded as everybody does, whether it %s', (_, entries) => {
    const child = recordCid(2)
    const other = recordCid(3)
    const before = read(node(entries, child), 1)
    expect(Buffer.compare(encodeMstNode(before), node(honest, child))).toBe(0)
    expect(Buffer.compare(encodeMstNode(withChild(before, 0, other.bytes)), node(honest, other))).toBe(0)
    expect(Buffer.compare(encodeMstNode(withChild(before, 0, null)), node(honest))).toBe(0)
    expect(
      Buffer.compare(
        encodeMstNode(withChild(before, 1, other.bytes)),
        node([{ ...honest[0]!, t: other }, honest[1]!], child),
      ),
    ).toBe(0)
    const changed = withValue(before, 1, other.bytes)
    expect(
      Buffer.compare(encodeMstNode(changed), node([honest[0]!, { ...honest[1]!, v: other }], child)),
    ).toBe(0)
    const twice = withChild(changed, 0, other.bytes)
    expect(Buffer.compare(encodeMstNode(twice), node([honest[0]!, { ...honest[1]!, v: other }], other))).toBe(
      0,
    )
  })

  it('leaves the block that it was made of as it is', () => {
    const bytes = node(honest, recordCid(2))
    const copy = Uint8Array.from(bytes)
    nodeCid(withChild(read(bytes, 1), 0, recordCid(3).bytes))
    expect(bytes).toEqual(copy)
  })
})

describe('a key', () => {
  it.each([
    ['nothing', ''],
    ['too long', 'k'.repeat(maxKeyBytes + 1)],
    ['more than bytes', 'com.example.a/\u0162'],
  ])('that is %s is refused', (_, key) => {
    expect(refusal(() => addKey(emptyTree(), key, value.bytes, nothingToLoad))).toBe('mst_bad_key')
    expect(refusal(() => buildTree([{ key, value: value.bytes }]))).toBe('mst_bad_key')
  })

  it('of any bytes is kept as it is', () => {
    const key = Buffer.from('com.example.a/é').toString('latin1')
    const tree = addKey(emptyTree(), key, value.bytes, nothingToLoad)
    nodeCid(tree)
    expect(read(encodeMstNode(tree)).keys).toEqual([key])
  })
})

describe('buildTree', () => {
  it('asks for keys in order', () => {
    const [first, second] = low
    for (const keys of [
      [second!, first!],
      [first!, first!],
    ]) {
      expect(refusal(() => buildTree(keys.map(key => ({ key, value: value.bytes }))))).toBe('mst_bad_key')
    }
  })
})

describe('walkTree finds', () => {
  const blocks = new Map<string, Uint8Array>()
  const load = loadFrom({ get: cid => blocks.get(cid.toString()) })
  function put(bytes: Uint8Array): Cid {
    const cid = cidOf(bytes)
    blocks.set(cid.toString(), bytes)
    return cid
  }
  function walk(root: Cid): string[] {
    return Array.from(walkTree(load(root.bytes, undefined), load), found => found.key)
  }

  const one = pool.find(path => keyLayer(path) === 1)!
  const lowest = low[0]!
  const highest = low.at(-1)!

  it('nothing wrong with an honest tree', () => {
    const root = put(node([entry(one, 0, put(node([entry(highest)])))], put(node([entry(lowest)]))))
    expect(walk(root)).toEqual([lowest, one, highest])
  })

  it.each([
    ['a key in too high a layer', () => node([entry(one), entry(highest)]), 'mst_bad_node'],
    [
      'a key in too low a layer',
      () => node([entry(high[0]!)], put(node([], put(node([entry(one)]))))),
      'mst_bad_node',
    ],
    ['a key before that comes behind', () => node([entry(one)], put(node([entry(highest)]))), 'mst_bad_node'],
    [
      'a key behind that comes before',
      () => node([entry(one, 0, put(node([entry(lowest)])))]),
      'mst_bad_node',
    ],
    ['a subtree twice', () => twice(put(node([entry(lowest)]))), 'mst_bad_node'],
    ['a node that is not there', () => node([entry(one, 0, recordCid(50))]), 'missing_block'],
    ['a node that is a record', () => node([entry(one, 0, put(encodeCbor({ a: 1 })))]), 'mst_bad_node'],
  ])('%s', (_, make, code) => {
    expect(refusal(() => walk(put(make())))).toBe(code)
  })

  function twice(child: Cid): Uint8Array {
    return node([entry(one, 0, child)], child)
  }
})
