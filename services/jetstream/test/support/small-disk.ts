import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of its own that can be full. */
export interface SmallDisk extends Disposable {
  /** A folder on it. */
  readonly folder: string
  /** Takes all the room there is. */
  fill(): void
  /** Gives it back. */
  free(): void
}

/** Mounts one in memory; answers why where that is not allowed. Whoever uses it has to be gone before it is disposed of. */
export function mountSmallDisk(mebibytes: number): SmallDisk | string {
  const root = mkdtempSync(join(tmpdir(), 'small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', root], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(root)
    return `mounting a small disk takes root on Linux: ${error instanceof Error ? error.message : error}`
  }
  const filler = join(root, 'filler')
  return {
    folder: join(root, 'data'),
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (;;) writeSync(file, Buffer.alloc(4_096))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      // At once, whoever is in it; what is left of it goes when they do.
      execFileSync('umount', ['-l', root])
      rmdirSync(root)
    },
  }
}
