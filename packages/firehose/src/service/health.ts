import type { Health } from '@orrery/server'
import type { Firehose } from '../firehose.ts'

/** A lag beyond this is not healthy, milliseconds. */
const healthyLagMs = 60_000

/** `starting` until the service has once been up to date; from then on what is not `ok` is `degraded`. */
export function followerHealth(firehose: Firehose): () => Health {
  let wasOk = false
  return () => {
    const { state, lagMs, sources } = firehose.status()
    const cursor = sources.find(source => source.connected)?.cursor ?? sources[0]?.cursor ?? null
    const isOk = state === 'live' && (lagMs ?? 0) <= healthyLagMs
    wasOk ||= isOk
    const status = isOk ? 'ok' : wasOk ? 'degraded' : 'starting'
    return { status, lagMs: lagMs === undefined ? null : Math.round(lagMs), cursor }
  }
}
