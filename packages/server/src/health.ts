/** What a service says of itself. Nothing that lags is healthy: `ok` means that what it serves is current. */
export type Health = {
  /** `starting`: not caught up since the start. `degraded`: it was, and is not any more, or a part does not work. */
  status: 'ok' | 'starting' | 'degraded'
  /** How far what is served is behind the network, in milliseconds; null when nothing has been seen yet. */
  lagMs: number | null
  /** The position in the source up to which everything is stored; null when there is none yet. */
  cursor: number | null
}

/** Asked at each health request; must answer at once, from memory. */
export type HealthCheck = () => Health

/** The body of `GET /_health`. */
export type HealthBody = { version: string } & Health

/**
 * Asks a service for its health: 200 when it is `ok`, else 503. A check that throws is `degraded`, since whoever asks needs an answer.
 *
 * @param onError told what the check threw
 */
export function healthAnswer(
  version: string,
  check: HealthCheck,
  onError: (error: unknown) => void,
): { statusCode: 200 | 503; body: HealthBody } {
  try {
    const { status, lagMs, cursor } = check()
    return { statusCode: status === 'ok' ? 200 : 503, body: { version, status, lagMs, cursor } }
  } catch (error) {
    onError(error)
    return { statusCode: 503, body: { version, status: 'degraded', lagMs: null, cursor: null } }
  }
}
