/** What a check found. */
export interface Finding {
  /** What was looked at. */
  name: string
  /** `skip`: it could not be looked at, or there is nothing to look at. */
  state: 'ok' | 'warn' | 'fail' | 'skip'
  /** What there is. */
  found: string
  /** What to do; there is one where something is wrong. */
  remedy?: string
}

export function ok(name: string, found: string): Finding {
  return { name, state: 'ok', found }
}

export function warn(name: string, found: string, remedy: string): Finding {
  return { name, state: 'warn', found, remedy }
}

export function fail(name: string, found: string, remedy: string): Finding {
  return { name, state: 'fail', found, remedy }
}

export function skip(name: string, found: string): Finding {
  return { name, state: 'skip', found }
}

/** What an error says, in a line. */
export function saidBy(error: unknown): string {
  const { message, cause, code } = error as Error & { code?: string }
  const below = cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : ''
  return (message || code || String(error)) + below
}
