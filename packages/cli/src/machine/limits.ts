import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'

/** Less room than this on a disk is worth a word, bytes. */
export const lowDiskBytes = 5_000_000_000

/** Fewer open files than this and subscribers are turned away; the services' defaults would use more. */
export const lowOpenFiles = 8_192

/** Where all services together want more memory than there is, `--small` is for it, bytes. */
export const smallMemoryBytes = 5_000_000_000

export interface Disk {
  freeBytes: number
  totalBytes: number
}

/** A folder, or the nearest one above it that there is. */
export function existingFolder(folder: string): string {
  let path = resolve(folder)
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  return path
}

/** The disk that a folder is on, or is going to be on; undefined where the system does not tell. */
export function diskOf(folder: string): Disk | undefined {
  try {
    const { bsize, bavail, blocks } = statfsSync(existingFolder(folder))
    return { freeBytes: bsize * bavail, totalBytes: bsize * blocks }
  } catch {
    return undefined
  }
}

/** How many files a process may have open, Infinity for any number; undefined where the system does not tell. */
export function openFilesLimit(text = readLimits()): number | undefined {
  // Node raises its own limit to the hard one.
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(text) ?? []
  if (hard === undefined) return undefined
  return hard === 'unlimited' ? Infinity : Number(hard)
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}

/** The memory that there is for this process and its children: the machine's, or its container's, bytes. */
export function memoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
