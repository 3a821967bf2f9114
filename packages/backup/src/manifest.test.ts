import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openSigningKey } from './key.ts'
import { readManifest, signManifest } from './manifest.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-manifest-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const key = openSigningKey(join(folder, 'key.pem'))
const file = {
  path: 'segments/2026-11-21T10.sqlite',
  pageSize: 4096,
  pages: 3,
  bytes: 12_288,
  sha256: 'a'.repeat(64),
  schemaVersion: 1,
  map: 'b'.repeat(64),
  mapBytes: 100,
}
const facts = {
  service: 'jetstream',
  time: '2026-11-21T10:00:00.123Z',
  version: '0.1.0',
  files: [file],
  upstream: [{ source: 'wss://relay.example', cursor: Number.MAX_SAFE_INTEGER, time: '' }],
  counts: { links: 5 },
  added: { objects: 1, bytes: 2 },
}

it('a manifest is what was signed, and the key stays the same and its owner’s', () => {
  const { manifest, bytes } = signManifest(facts, key)
  expect(readManifest(bytes, 'it')).toEqual(manifest)
  expect(manifest).toMatchObject(facts)
  expect(openSigningKey(join(folder, 'key.pem')).publicKey).toBe(manifest.publicKey)
  expect(statSync(join(folder, 'key.pem')).mode & 0o777).toBe(0o600)
})

it('any change to it is seen', () => {
  const text = signManifest(facts, key).bytes.toString()
  const other = openSigningKey(join(folder, 'other.pem')).publicKey
  // It is another one at each run, and may begin with either.
  const [start, first] = /"signature":"(.)/.exec(text)!
  for (const [from, to] of [
    ['"pages":3', '"pages":3 '],
    ['"links":5', '"links":6'],
    ['"cursor":9007199254740991', '"cursor":9007199254740990'],
    [key.publicKey, other],
    [start, `"signature":"${first === '_' ? '-' : '_'}`],
  ] as const) {
    const changed = text.replace(from, to)
    expect(changed).not.toBe(text)
    // White space is no change of what it says.
    const isSame = JSON.stringify(JSON.parse(changed)) === JSON.stringify(JSON.parse(text))
    const read = (): unknown => readManifest(Buffer.from(changed), 'it')
    expect(isSame ? 'same' : errorOf(read)).toBe(isSame ? 'same' : 'untrusted')
  }
})

describe('what somebody signed who means harm is refused:', () => {
  const harms: Record<string, object> = {
    'a path that leads out': { path: '../state.sqlite' },
    'an absolute path': { path: '/etc/state.sqlite' },
    'a path that leads out in the middle': { path: 'a/../../b.sqlite' },
    'what is no database': { path: 'main.ts' },
    'a log beside a database': { path: 'state.sqlite-wal' },
    'a cache of identities': { path: 'identity.sqlite' },
    'a page size that SQLite has not': { pageSize: 4095 },
    'sizes that disagree': { bytes: 12_289 },
    'a map that no memory holds': { mapBytes: 2 ** 40 },
    'fields that are not known': { more: 1 },
  }
  it.each(Object.keys(harms))('%s', name => {
    const { bytes } = signManifest({ ...facts, files: [{ ...file, ...harms[name]! }] }, key)
    expect(errorOf(() => readManifest(bytes, 'it'))).toBe('damaged')
  })

  it('two files of one name, none, and what is no JSON', () => {
    const several = [[file, file], []].map(files => signManifest({ ...facts, files }, key).bytes)
    for (const bytes of [...several, Buffer.from('{'), Buffer.alloc(0), Buffer.from('[]')]) {
      expect(errorOf(() => readManifest(bytes, 'it'))).toBe('damaged')
    }
  })
})

function errorOf(work: () => unknown): unknown {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}
