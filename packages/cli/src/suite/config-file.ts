import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Variables } from './variables.ts'

export const usualFile = 'orrery.config.json'

/** A configuration as it was read, before anything in it was checked. */
export interface ConfigFile {
  /** As it is named in messages. */
  name: string
  value: unknown
}

/**
 * Reads the configuration: the file that is named, that of `ORRERY_CONFIG`, or `orrery.config.json` where the command is
 * run. Undefined where none is named and there is none.
 *
 * @throws Error that names file and place where one that is named does not exist, or one is no JSON
 */
export function readConfigFile(named: string | undefined, env: Variables): ConfigFile | undefined {
  const wanted = named ?? (env.ORRERY_CONFIG || undefined)
  const name = wanted ?? usualFile
  let text: string
  try {
    text = readFileSync(resolve(name), 'utf8')
  } catch (error) {
    if (wanted === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`${name} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    return { name, value: JSON.parse(text) as unknown }
  } catch (error) {
    throw new Error(`${name} is no JSON: ${whereIn(text, (error as Error).message)}`, { cause: error })
  }
}

/** What V8 says of broken JSON, with line and column where it tells a position. */
function whereIn(text: string, message: string): string {
  const [, digits] = /at position (\d+)/.exec(message) ?? []
  if (digits === undefined || message.includes('(line')) return message
  const before = text.slice(0, Number(digits)).split('\n')
  return `${message} (line ${before.length} column ${before.at(-1)!.length + 1})`
}
