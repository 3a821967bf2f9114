/**
 * What went wrong, as far as the next step depends on it:
 *
 * | code | what | next step |
 * |---|---|---|
 * | `missing` | there is no such store, source, snapshot or object | see the message |
 * | `damaged` | bytes of a snapshot are not what its manifest says | restore another snapshot |
 * | `untrusted` | a signature does not hold, or is of another key than was asked for | do not use it |
 * | `exists` | a store is there already | `--force`, or another folder |
 * | `busy` | another process works on it | wait, or stop that process |
 * | `unreachable` | source or destination cannot be read or written | check address, credentials, network |
 * | `unusable` | what was asked for cannot be | see the message |
 */
export type BackupErrorCode =
  | 'missing'
  | 'damaged'
  | 'untrusted'
  | 'exists'
  | 'busy'
  | 'unreachable'
  | 'unusable'

/** The one error of this package. The message says what to do next. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupErrorCode

  constructor(code: BackupErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

/** An error's message; of what is no error, its text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
