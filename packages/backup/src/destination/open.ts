import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BackupError } from '../errors.ts'
import { openFolder, openFolderForWriting } from './folder.ts'
import { openHttp } from './http.ts'
import { openS3, type S3Options } from './s3.ts'
import type { Destination, Source } from './types.ts'

/**
 * Where snapshots come from: `s3://bucket/prefix`, `https://…` or a folder.
 *
 * @throws BackupError `missing` where there is no such folder; `unusable` for another kind of address
 */
export function openSource(from: string, options: S3Options = {}): Source {
  if (from.startsWith('s3://')) return openS3(from, options)
  if (/^https?:\/\//.test(from)) return openHttp(from)
  const folder = folderOf(from)
  if (!existsSync(folder)) throw new BackupError('missing', `there is no folder ${folder}`)
  return openFolder(folder)
}

/**
 * Where snapshots go: `s3://bucket/prefix` or a folder, which is made.
 *
 * @throws BackupError `unusable` for another kind of address
 */
export function openDestination(to: string, options: S3Options = {}): Destination {
  return to.startsWith('s3://') ? openS3(to, options) : openFolderForWriting(folderOf(to))
}

function folderOf(text: string): string {
  if (text.startsWith('file://')) return fileURLToPath(text)
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new BackupError(
      'unusable',
      `"${text}" is neither a folder nor s3://bucket/prefix nor, to read from, https://…`,
    )
  }
  return text
}
