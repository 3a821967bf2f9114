import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Process, startProcess } from '@orrery/testnet'
import { runBackup } from '../src/backup.ts'
import type { BackupOptions, BackupReport } from '../src/backup.ts'
import type { WriterApi } from './writer-process.ts'

/** A store that is written to in another process, a place for snapshots, and room for restored ones; all removed at the end. */
export interface World extends AsyncDisposable {
  readonly folder: string
  readonly writer: Process<WriterApi>
  /** The service's data folder. */
  readonly dataDir: string
  readonly to: string
  backup(options?: Partial<BackupOptions>): Promise<BackupReport>
}

export async function startWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-backup-'))
  const writer = startProcess<WriterApi>(new URL('./writer-process.ts', import.meta.url))
  const dataDir = join(folder, 'data/store')
  const to = join(folder, 'to')
  await writer.call('open', { folder: dataDir })
  return {
    folder,
    writer,
    dataDir,
    to,
    backup: options =>
      runBackup({
        service: 'store',
        dataDir,
        to,
        stateDir: join(folder, 'data/backup'),
        counts: { items: { file: 'store.sqlite', sql: 'SELECT items FROM total' } },
        version: '1.2.3',
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await writer[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
