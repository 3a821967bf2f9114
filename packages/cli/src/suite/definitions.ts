import { services } from '../services.ts'
import type { Definitions } from './config.ts'

/** What every service can be told. Loads all of them. */
export async function loadDefinitions(): Promise<Definitions> {
  return new Map(
    await Promise.all(services.map(async ({ name, options }) => [name, await options()] as const)),
  )
}
