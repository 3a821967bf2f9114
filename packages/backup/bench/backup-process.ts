// Snapshots and restores in a process of their own, as the command has them; and what they are compared with, in the same.
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { serveProcess } from '@orrery/testnet'
import { runBackup } from '../src/backup.ts'
import type { BackupOptions, BackupReport } from '../src/backup.ts'
import { runRestore } from '../src/restore.ts'
import type { RestoreOptions, RestoreReport } from '../src/restore.ts'

export type BackupApi = typeof api

setPriority(10)

const big = { highWaterMark: 1024 * 1024 }

function flushed(path: string) {
  return createWriteStream(path, { ...big, flush: true })
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}

const api = {
  /** Copies a file and compresses the copy, beside it; answers the seconds. */
  copy: ({ file, to }: { file: string; to: string }): Promise<number> =>
    seconds(async () => {
      await copyFile(file, to)
      const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
      await pipeline(createReadStream(to, big), compress, flushed(`${to}.zst`))
    }),
  /** The other way. */
  uncopy: ({ to }: { to: string }): Promise<number> =>
    seconds(() => pipeline(createReadStream(`${to}.zst`, big), createZstdDecompress(), flushed(to))),
  backup: (options: BackupOptions): Promise<BackupReport> => runBackup(options),
  restore: (options: RestoreOptions): Promise<RestoreReport> => runRestore(options),
}

serveProcess(api)
