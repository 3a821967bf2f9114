import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import { listSegments } from '../../src/store/segments.ts'

/** A block on disk, without what is in it. */
export interface SealedBlock {
  first: number
  last: number
  events: number
}

/** The sealed blocks of the log in a data folder, oldest first; the owner may be at work there. */
export function sealedBlocks(dataDir: string): SealedBlock[] {
  return listSegments(join(dataDir, 'segments')).flatMap(({ path }) => {
    const db = openDatabase(path, { readonly: true })
    try {
      // A segment that was made just now has no table yet.
      if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'blocks'").get()) return []
      return db
        .prepare<[], SealedBlock>(
          'SELECT first_us AS first, last_us AS last, events FROM blocks ORDER BY last_us',
        )
        .all()
    } finally {
      db.close()
    }
  })
}
