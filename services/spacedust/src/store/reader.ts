import { join } from 'node:path'
import { openDatabase, StorageError, toStorageError } from '@orrery/storage'
import type { RecordBody } from '../store.ts'
import { openBodyReader } from './bodies.ts'
import type { Pack } from './pack.ts'
import { fileName } from './schema.ts'
import type { Span } from './writer.ts'
import { decompress } from './zstd.ts'

/** A part of the log, from disk. */
export interface StoredEntries {
  packs: Pack[]
  /** Where it ends. */
  lastUs: number
  /** What was undone of it while it was held, where that is not said in the packs yet. */
  undone: Span[]
}

/** What the reader's thread serves. */
export interface ReaderApi {
  /**
   * The first sealed block that reaches `positionUs`, or where there is none some commits of the tail; undefined where
   * there are none.
   *
   * @throws StorageError `corrupt` and others
   */
  read(positionUs: number): StoredEntries | undefined
  /** The records of entries, as far as they are kept. @throws StorageError */
  bodies(positions: readonly number[]): (RecordBody | undefined)[]
}

interface Row extends Pack {
  last_us: number
}

/** Commits of the tail that are read together: they are small. */
const commitsTogether = 16

/** Reads the log, beside the writer. */
export function openReader(folder: string): ReaderApi & { dispose(): void } {
  const path = join(folder, fileName)
  const db = openDatabase(path, { readonly: true, cacheBytes: 2 * 1024 * 1024 })
  const findBlock = db.prepare<[number], Row>(
    'SELECT last_us, texts, numbers FROM blocks WHERE last_us >= ? ORDER BY last_us LIMIT 1',
  )
  const findTail = db.prepare<[number, number], Row>(
    'SELECT last_us, texts, numbers FROM tail WHERE last_us >= ? ORDER BY last_us LIMIT ?',
  )
  const findUndone = db.prepare<[number, number], Span>(
    'SELECT first_us AS firstUs, last_us AS lastUs FROM undone WHERE last_us >= ? AND first_us <= ?',
  )
  const bodiesOf = openBodyReader(db)

  /** Of one moment: else what is sealed in between would be in neither. */
  const find = db.transaction((positionUs: number) => {
    const block = findBlock.get(positionUs)
    if (block) return { block }
    const tail = findTail.all(positionUs, commitsTogether)
    const lastUs = tail.at(-1)?.last_us
    return lastUs === undefined ? undefined : { tail, lastUs, undone: findUndone.all(positionUs, lastUs) }
  })

  function failing<T>(what: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw toStorageError(error, `${what} ${path}`, path)
    }
  }

  function unseal({ last_us: lastUs, texts, numbers }: Row): StoredEntries {
    try {
      return { packs: [{ texts: decompress(texts), numbers: decompress(numbers) }], lastUs, undone: [] }
    } catch (error) {
      throw new StorageError(
        'corrupt',
        `the block that ends at ${lastUs} in ${path} is damaged: ${error instanceof Error ? error.message : String(error)}. ` +
          'Stop, keep a copy of the file, and restore a backup or remove the file: replays then begin with the present.',
        { path, cause: error },
      )
    }
  }

  return {
    read(positionUs) {
      const found = failing('read', () => find(positionUs))
      if (!found) return undefined
      if ('block' in found) return unseal(found.block)
      const { tail, lastUs, undone } = found
      return { packs: tail.map(({ texts, numbers }) => ({ texts, numbers })), lastUs, undone }
    },
    bodies: positions => failing('read records of', () => bodiesOf(positions)),
    dispose() {
      db.close()
    },
  }
}
