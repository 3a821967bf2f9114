import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const repositoryRoot = resolve(import.meta.dirname, '../../..')

/**
 * A path in the folder of test data that stands beside the repository, `../shared/data`. It is not part of the
 * repository, and may be absent; tests that need it are skipped then, with {@link SHARED_DATA_ABSENT} as the reason.
 */
export function sharedData(...path: readonly string[]): string {
  return join(repositoryRoot, '../shared/data', ...path)
}

/** Why a test is skipped that needs {@link sharedData}: `context.skip(data === undefined, SHARED_DATA_ABSENT)`. */
export const SHARED_DATA_ABSENT = 'needs ../shared/data, which is absent'

/** Whether a file or folder of the shared data is there. */
export function hasSharedData(...path: readonly string[]): boolean {
  return existsSync(sharedData(...path))
}

/** The text of a file of atproto's interop tests, `syntax/tid_syntax_valid.txt` for one; `undefined` where absent. */
export async function interopText(path: string): Promise<string | undefined> {
  const file = sharedData('atproto-interop-tests', path)
  return existsSync(file) ? readFile(file, 'utf8') : undefined
}

/**
 * The cases in a text file of the interop tests, one a line, without comments (`#` first) and empty lines; `undefined`
 * where absent. Spaces are kept: some cases are about them.
 */
export async function interopLines(path: string): Promise<string[] | undefined> {
  const text = await interopText(path)
  return text?.split('\n').filter(line => line !== '' && !line.startsWith('#'))
}

/** A JSON file of the interop tests, its shape on the caller's word; `undefined` where absent. */
export async function interopJson<T>(path: string): Promise<T | undefined> {
  const text = await interopText(path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}
