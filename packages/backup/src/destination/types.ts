/** An object at a destination. */
export interface StoredObject {
  key: string
  bytes: number
}

/** Where snapshots are read from. Keys are paths with `/`, of letters, digits, `-`, `.` and `/`. */
export interface Source {
  /** For people: without credentials. */
  readonly name: string
  /**
   * The object's bytes; undefined where there is none.
   *
   * @throws BackupError `damaged` where there are more than `maxBytes`; `unreachable` for what may pass
   */
  get(key: string, maxBytes: number): Promise<Buffer | undefined>
  /** All objects whose keys begin so; undefined where the source cannot tell. */
  list(prefix: string): Promise<StoredObject[] | undefined>
}

/** Where snapshots are kept. Disposing it saves what can be saved of what was put. */
export interface Destination extends Source, AsyncDisposable {
  list(prefix: string): Promise<StoredObject[]>
  /** Keeps an object whole or not at all, safely once `flush` has resolved, and not to be read before. */
  put(key: string, body: Uint8Array): Promise<void>
  flush(): Promise<void>
  /** Removes objects; those that are not there are no failure. */
  remove(keys: readonly string[]): Promise<void>
}
