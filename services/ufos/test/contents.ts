import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import { waitFor } from '@orrery/testnet'
import { hourMs } from '../src/time.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { fileName } from '../src/store/sqlite/store.ts'
import { samplesKept } from '../src/store.ts'

/** What a store holds: counts of all time and of the hours of now, and samples, whatever it was that wrote them. */
export async function readContents(folder: string) {
  await using store = await openSqliteStore({
    folder,
    onFailure: error => {
      throw error
    },
  })
  const { reader } = store
  const collections = await reader.list({ window: undefined, limit: 10_000 })
  const nsids = collections.map(({ nsid }) => nsid)
  const hour = Math.floor(Date.now() / hourMs)
  const window = { since: hour - 3, until: hour + 1 }
  // Between accounts there is no order, so that those of one time may be in another one. Where there were ever more than
  // are kept, others of them are: also if accounts that went left fewer by now.
  const whole = collections.filter(({ creates, updates }) => creates + updates <= samplesKept)
  const samples = await reader.samples({ collections: whole.map(({ nsid }) => nsid), limit: samplesKept })
  const { creates, updates, deletes, dids } = await reader.stats()
  return {
    total: { creates, updates, deletes, dids },
    collections,
    window: await reader.counts(nsids, window),
    samples: samples.map(({ seq: _seq, ...sample }) => JSON.stringify(sample)).toSorted(),
  }
}

/** How far a store has come in its source; undefined before the first commit. */
export function cursorOf(folder: string): number | undefined {
  const db = openDatabase(join(folder, fileName), { readonly: true })
  try {
    return db.prepare<[], { cursor: number }>('SELECT cursor FROM upstream_cursors').get()?.cursor
  } finally {
    db.close()
  }
}

/** Waits until stores of one source have taken in its last event, which has this number. */
export async function untilAt(folders: readonly string[], seq: number): Promise<void> {
  await waitFor(() => folders.every(folder => cursorOf(folder) === seq), {
    timeoutMs: 60_000,
    everyMs: 50,
    what: `all stores at ${seq}, the end of the stream`,
  })
}
