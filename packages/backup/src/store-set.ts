import { globSync } from 'node:fs'
import { join } from 'node:path'
import { BackupError } from './errors.ts'
import { type FileView, StoreFile } from './store-file.ts'

/** All files of a store, each as it was at one and the same instant. */
export interface StoreView {
  /** By their path below the data folder, with `/`. */
  readonly files: ReadonlyMap<string, FileView>
  /** When, milliseconds since 1970. */
  readonly time: number
  /** Ends the view of one file, as soon as it is not needed. */
  release(path: string): void
}

/** How often an instant is looked for at which no file changes. */
const attempts = 1_000

const noStore = /(^|\/)(lock|identity|handles)\.sqlite$/

/**
 * Whether a database of a service's folder is part of its store: all but the lock and what is a cache of others' answers, that
 * any store builds anew and nobody should take from somebody else.
 */
export function isStoreFile(path: string): boolean {
  return !noStore.test(path)
}

/** The database files of a store, sorted. */
export function filesOf(folder: string): string[] {
  return globSync('**/*.sqlite', { cwd: folder })
    .map(path => path.replaceAll('\\', '/'))
    .filter(isStoreFile)
    .toSorted()
}

/** The open files of a store that a service may be writing. */
export class StoreSet implements Disposable {
  readonly folder: string
  readonly files = new Map<string, StoreFile>()

  /** @throws BackupError `missing` where there is none */
  constructor(folder: string) {
    this.folder = folder
    this.#follow()
    if (this.files.size === 0) {
      throw new BackupError('missing', `there is no store in ${folder}. Is that the service's --data-dir?`)
    }
  }

  /** Begins a view of all files at one instant: between looking at what each was before and after, nobody wrote to any. */
  async hold(): Promise<StoreView> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const view = this.#tryHold()
      if (view) return view
      await new Promise(resolve => setTimeout(resolve, 1 + Math.random() * 20))
    }
    throw new BackupError('busy', `${this.folder} has no moment of rest to begin a snapshot at; try again`)
  }

  release(): void {
    for (const file of this.files.values()) file.release()
  }

  [Symbol.dispose](): void {
    for (const file of this.files.values()) file[Symbol.dispose]()
    this.files.clear()
  }

  #tryHold(): StoreView | undefined {
    this.#follow()
    const files = [...this.files]
    const views = new Map(files.map(([path, file]) => [path, file.hold()]))
    const time = Date.now()
    // All views had begun before the first look here. What is unchanged now was the same when they all had.
    const isSame =
      files.every(([, file]) => file.isCurrent()) && filesOf(this.folder).join() === [...views.keys()].join()
    if (isSame) return { files: views, time, release: path => this.files.get(path)?.release() }
    this.release()
    return undefined
  }

  #follow(): void {
    const paths = new Set(filesOf(this.folder))
    const added: string[] = []
    for (const [path, file] of this.files) {
      if (paths.has(path)) continue
      file[Symbol.dispose]()
      this.files.delete(path)
    }
    for (const path of paths) {
      if (!this.files.has(path)) added.push(path)
    }
    if (added.length === 0) return
    for (const path of added) this.files.set(path, new StoreFile(join(this.folder, path)))
    const sorted = [...this.files].toSorted(([a], [b]) => (a < b ? -1 : 1))
    this.files.clear()
    for (const [path, file] of sorted) this.files.set(path, file)
  }
}
