import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupOptions } from '@orrery/backup'
import { services } from './services.ts'

/** A service's store, as backup and restore see it. */
export interface ServiceStore {
  name: string
  dataDir: string
  counts: NonNullable<BackupOptions['counts']>
}

/** What a service counts anyway, so that asking costs nothing. */
const counts: Record<string, ServiceStore['counts']> = {
  jetstream: { newestUs: { file: 'state.sqlite', sql: 'SELECT last_us FROM clock' } },
  constellation: Object.fromEntries(
    ['records', 'links', 'dids', 'targetables'].map(name => [
      name,
      { file: 'links.sqlite', sql: `SELECT ${name} FROM totals` },
    ]),
  ),
  spacedust: { newestUs: { file: 'links.sqlite', sql: 'SELECT last_us FROM clock' } },
  slingshot: { records: { file: 'records.sqlite', sql: 'SELECT records FROM totals' } },
}

/** The store of a service: where its variable says, else in its folder of the suite's. */
export function storeOf(name: string, dataDir: string, env: NodeJS.ProcessEnv = process.env): ServiceStore {
  return {
    name,
    dataDir: env[`${name.toUpperCase()}_DATA_DIR`] ?? join(dataDir, name),
    counts: counts[name] ?? {},
  }
}

/**
 * The stores that are meant: those named, or all that are there.
 *
 * @throws Error where a name is none, or nothing is there
 */
export function chooseStores(names: readonly string[], dataDir: string): ServiceStore[] {
  const known = services.map(({ name }) => name)
  for (const name of names) {
    if (!known.includes(name))
      throw new Error(`there is no service "${name}"; there are: ${known.join(', ')}`)
  }
  const stores = (names.length > 0 ? names : known).map(name => storeOf(name, dataDir))
  const there = names.length > 0 ? stores : stores.filter(store => existsSync(store.dataDir))
  if (there.length > 0) return there
  throw new Error(`no service has data in ${dataDir}; --data-dir says where it is`)
}
