import { readFileSync } from 'node:fs'
import { join } from 'node:path'

let cached: string | undefined

/** The project's version: the one in the root `package.json`, which all packages and services share. */
export function projectVersion(): string {
  if (cached === undefined) {
    // From packages/server/src to the root, in a checkout and in an image alike.
    const path = join(import.meta.dirname, '..', '..', '..', 'package.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string }
    if (manifest.name !== 'orrery' || manifest.version === undefined) {
      throw new Error(`${path} is not the root of the project; the version is read there`)
    }
    cached = manifest.version
  }
  return cached
}
