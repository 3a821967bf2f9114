import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Has Node keep what it compiles, for all threads and processes that are started from here: nearly every test starts
 * one, and reading the same sources anew is three quarters of what that takes.
 */
export function keepCompiled(): void {
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'orrery-compile-cache')
}
