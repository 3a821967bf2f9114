import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupOptions } from '@orrery/backup'
import { services } from './services.ts'
import type { SuiteFlags } from './suite/plan.ts'
import { readPlanOrExplain } from './suite/read-plan.ts'

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
  // Two of them stand for everything and for what is beyond the largest number.
  ufos: { collections: { file: 'ufos.sqlite', sql: 'SELECT max(id) - 1 FROM collection' } },
  slingshot: { records: { file: 'records.sqlite', sql: 'SELECT records FROM totals' } },
}

/**
 * The stores that are meant: those named, or all that are there; each where the flags, the environment and the
 * configuration say. Undefined where those cannot be used, after that was said.
 *
 * @throws Error where a name is none, or nothing is there
 */
export async function chooseStores(
  names: readonly string[],
  flags: Pick<SuiteFlags, 'config' | 'dataDir'>,
): Promise<{ dataDir: string; stores: ServiceStore[] } | undefined> {
  const known = services.map(({ name }) => name)
  for (const name of names) {
    if (!known.includes(name))
      throw new Error(`there is no service "${name}"; there are: ${known.join(', ')}`)
  }
  const plan = await readPlanOrExplain(flags)
  if (!plan) return undefined
  const { dataDir } = plan
  const stores = (names.length > 0 ? names : known).map(name => ({
    name,
    // One that is not to run may have data all the same.
    dataDir: plan.services.find(service => service.name === name)?.dataDir ?? join(dataDir, name),
    counts: counts[name] ?? {},
  }))
  const there = names.length > 0 ? stores : stores.filter(store => existsSync(store.dataDir))
  if (there.length > 0) return { dataDir, stores: there }
  throw new Error(`no service has data in ${dataDir}; --data-dir says where it is`)
}
