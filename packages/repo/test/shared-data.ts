import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'

const root = resolve(import.meta.dirname, '../../../../shared/data')

/**
 * Whether the data beside the repository is there. Tests that need it are `describe.skipIf(!hasSharedData)`, with
 * `whySkipped` in their title; what is read here is empty without it, as skipped tests are collected too.
 */
export const hasSharedData = existsSync(root)
export const whySkipped = hasSharedData ? '' : ' (skipped: ../shared/data beside the repository is absent)'

/** A JSON file of the atproto interop tests: all of them are arrays. */
export function interopJson(path: string): unknown {
  return JSON.parse(read('[]', 'atproto-interop-tests', path).toString())
}

/** The cases of a text file of the interop tests: one a line, without comments and empty lines; spaces are kept. */
export function interopLines(path: string): string[] {
  const lines = read('', 'atproto-interop-tests', path).toString().split('\n')
  return lines.filter(line => line !== '' && !line.startsWith('#'))
}

/** The files of `syntax/` by what they are about, `tid` for one, for those that come as a pair of valid and invalid. */
export function interopSyntaxes(): string[] {
  return list('atproto-interop-tests/syntax')
    .filter(file => file.endsWith('_syntax_valid.txt'))
    .map(file => file.split('_')[0]!)
}

/** Consecutive frames of a production relay. The file repeats: length as u32 in little-endian order, frame. */
export function corpusFrames(): Uint8Array[] {
  const file = unpacked('', 'frames.bin.zst')
  const frames: Uint8Array[] = []
  for (let at = 0; at < file.length;) {
    const start = at + 4
    at = start + file.readUInt32LE(at)
    frames.push(Uint8Array.from(file.subarray(start, at)))
  }
  return frames
}

/** The lines that the production Jetstream sent for the frames, in frame and operation order. */
export function corpusLines(): string[] {
  return read('', 'firehose', 'expected_v1.jsonl').toString().split('\n').filter(Boolean)
}

/** The signing key of each account of the frames, in Multikey form, by DID. */
export function corpusKeys(): Map<string, string> {
  const documents = JSON.parse(unpacked('{}', 'did_docs.json.zst').toString()) as Record<
    string,
    { verificationMethod: { id: string; publicKeyMultibase: string }[] }
  >
  return new Map(
    Object.entries(documents).map(([did, { verificationMethod }]) => {
      const method = verificationMethod.find(({ id }) => id.endsWith('#atproto'))
      return [did, method?.publicKeyMultibase ?? '']
    }),
  )
}

/** A scripted upstream: see the README of the data. Bytes and links in the bodies are in their JSON form. */
export interface Scenario {
  name: string
  accounts: { identity: { did: string; keys: { atproto: { publicKeyMultibase: string } } } }[]
  messages: { drop: boolean; frame: { header: { op: number; t: string }; body: Record<string, unknown> } }[]
}

export function scenarios(): Scenario[] {
  const files = list('relay-scenarios').filter(file => file.endsWith('.json'))
  return files.map(name =>
    Object.assign(JSON.parse(read('', 'relay-scenarios', name).toString()) as Scenario, { name }),
  )
}

function unpacked(otherwise: string, file: string): Buffer {
  return hasSharedData ? zstdDecompressSync(read('', 'firehose', file)) : Buffer.from(otherwise)
}

function read(otherwise: string, ...path: string[]): Buffer {
  return hasSharedData ? readFileSync(join(root, ...path)) : Buffer.from(otherwise)
}

function list(folder: string): string[] {
  return hasSharedData ? readdirSync(join(root, folder)) : []
}
