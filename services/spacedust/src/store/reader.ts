import { join } from 'node:path'
import { openDatabase, StorageError, toStorageError } from '@orrery/storage'
import type { Pack } from './pack.ts'
import { fileName } from './schema.ts'
import { decompress } from './zstd.ts'

/** What the reader's thread serves. */
export interface ReaderApi {
  /**
   * The first sealed block that reaches `positionUs`, and where it ends; undefined where there is none.
   *
   * @throws StorageError `corrupt` and others
   */
  read(positionUs: number): { pack: Pack; lastUs: number } | undefined
}

/** Reads sealed blocks, beside the writer. */
export function openReader(folder: string): ReaderApi & { dispose(): void } {
  const path = join(folder, fileName)
  const db = openDatabase(path, { readonly: true, cacheBytes: 2 * 1024 * 1024 })
  const find = db.prepare<[number], Pack & { last_us: number }>(
    'SELECT last_us, texts, numbers FROM blocks WHERE last_us >= ? ORDER BY last_us LIMIT 1',
  )

  return {
    read(positionUs) {
      let row: (Pack & { last_us: number }) | undefined
      try {
        row = find.get(positionUs)
      } catch (error) {
        throw toStorageError(error, `read ${path}`, path)
      }
      if (!row) return undefined
      try {
        const pack = { texts: decompress(row.texts), numbers: decompress(row.numbers) }
        return { pack, lastUs: row.last_us }
      } catch (error) {
        throw new StorageError(
          'corrupt',
          `the block that ends at ${row.last_us} in ${path} is damaged: ${error instanceof Error ? error.message : String(error)}. ` +
            'Stop, keep a copy of the file, and restore a backup or remove the file: replays then begin with the present.',
          { path, cause: error },
        )
      }
    },
    dispose() {
      db.close()
    },
  }
}
