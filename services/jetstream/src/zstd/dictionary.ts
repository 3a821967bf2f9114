import { hash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GuardedFetch } from '@orrery/identity'

/** The dictionary of the v1 wire. Clients have it built in, so it can never change. */
export const dictionaryId = 1_612_007_021
export const dictionarySha256 = 'b8d77b46933aceecbdd5275a01241efc985c970c78162b8150cf67a26522f70c'

/** Where it is public, at commits that cannot change; it has moved once. */
export const dictionaryUrls: readonly string[] = [
  'https://raw.githubusercontent.com/bluesky-social/jetstream/46c63e71de70814afff0b619c3da14a71377c71c/internal/subscribe/zstd_dictionary',
  'https://raw.githubusercontent.com/bluesky-social/jetstream/dcbfabbf9d18fa89d634d44721d32f7fbbb06fef/pkg/models/zstd_dictionary',
]

export interface DictionaryOptions {
  /** Where a copy is kept once it was fetched. */
  dataDir: string
  /** A file of the operator's, read instead of anything else. */
  path: string | undefined
  fetch: GuardedFetch
  /** Default `dictionaryUrls`. */
  urls?: readonly string[] | undefined
}

/**
 * Finds the dictionary: the operator's file, the kept copy, or the public one, which is then kept. Undefined where it is
 * not to be had now.
 *
 * @throws Error where the operator's file is missing or is not the dictionary
 */
export async function loadDictionary(options: DictionaryOptions): Promise<Buffer | undefined> {
  const { dataDir, path, fetch, urls = dictionaryUrls } = options
  if (path !== undefined) {
    const own = await readFile(path)
    if (!isDictionary(own)) {
      throw new Error(`${path} is not the Jetstream dictionary; its sha256 should be ${dictionarySha256}`)
    }
    return own
  }
  const kept = join(dataDir, 'jetstream-v1.zdict')
  const copy = await readFile(kept).catch(() => undefined)
  if (copy && isDictionary(copy)) return copy
  for (const url of urls) {
    const response = await fetch.get(url).catch(() => undefined)
    const bytes = response?.status === 200 ? Buffer.from(response.bytes) : undefined
    if (!bytes || !isDictionary(bytes)) continue
    // What cannot be kept, say on a full disk, is fetched again at the next start.
    await keep(dataDir, kept, bytes).catch(() => {})
    return bytes
  }
  return undefined
}

/** Written aside and moved, so that a crash leaves no half of it. */
async function keep(dataDir: string, path: string, bytes: Buffer): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  await writeFile(`${path}.new`, bytes)
  await rename(`${path}.new`, path)
}

function isDictionary(bytes: Buffer): boolean {
  return hash('sha256', bytes, 'hex') === dictionarySha256
}
