import { randomUUID } from 'node:crypto'
import { globSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BackupError, messageOf } from '../errors.ts'
import { inParallel } from '../retry.ts'
import type { Destination, Source } from './types.ts'

/** So many files wait to be made safe at a time. */
const perFlush = 64

/** What a process that ended left behind is removed when it is so old, milliseconds. */
const leftoverMs = 24 * 3_600_000

/** Snapshots in a folder of this machine, or of a disk that is mounted. */
export function openFolder(folder: string): Source {
  return {
    name: folder,
    get: (key, maxBytes) => getFrom(folder, key, maxBytes),
    list: async prefix => listIn(folder, prefix),
  }
}

/**
 * The same to write to; the folder is made. A file gets its name when its bytes are on the disk: a power cut leaves no half
 * ones. Many wait for that together.
 */
export function openFolderForWriting(folder: string): Destination {
  const unfinished = join(folder, 'unfinished')
  let waiting: { key: string; path: string; file: FileHandle }[] = []
  let flushing: Promise<void> = Promise.resolve()
  try {
    mkdirSync(unfinished, { recursive: true })
    for (const file of globSync('*', { cwd: unfinished })) {
      const path = join(unfinished, file)
      if (Date.now() - statSync(path).mtimeMs > leftoverMs) rmSync(path, { force: true })
    }
  } catch (cause) {
    throw new BackupError('unreachable', `cannot write to ${folder}: ${messageOf(cause)}`, { cause })
  }

  const finish = async (files: typeof waiting): Promise<void> => {
    const folders = new Set(files.map(({ key }) => dirname(join(folder, key))))
    for (const each of folders) await mkdir(each, { recursive: true })
    await inParallel(files, 8, async ({ key, path, file }) => {
      try {
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(path, join(folder, key))
    })
    for (const each of folders) {
      const handle = await open(each)
      await handle.sync()
      await handle.close()
    }
  }
  const flush = (): Promise<void> => {
    const files = waiting
    waiting = []
    flushing = flushing.then(() => finish(files))
    return flushing
  }

  return {
    ...openFolder(folder),
    list: async prefix => listIn(folder, prefix),
    async put(key, body) {
      try {
        const path = join(unfinished, randomUUID())
        const file = await open(path, 'wx')
        try {
          await file.writeFile(body)
        } catch (error) {
          await file.close()
          await rm(path, { force: true })
          throw error
        }
        waiting.push({ key, path, file })
        if (waiting.length >= perFlush) await flush()
      } catch (cause) {
        throw new BackupError('unusable', `cannot write to ${folder}: ${messageOf(cause)}`, { cause })
      }
    },
    flush,
    async [Symbol.asyncDispose]() {
      await flush().catch(() => {})
    },
    async remove(keys) {
      for (const key of keys) await rm(join(folder, key), { force: true })
    },
  }
}

async function getFrom(folder: string, key: string, maxBytes: number): Promise<Buffer | undefined> {
  const path = join(folder, key)
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw new BackupError('damaged', `${path} is larger than it can be`)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof BackupError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new BackupError('unreachable', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

function listIn(folder: string, prefix: string) {
  return globSync(`${prefix}**`, { cwd: folder, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => {
      const path = join(entry.parentPath, entry.name)
      return {
        key: path.slice(join(folder, '/').length),
        bytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0,
      }
    })
}
