import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@orrery/testnet'
import { faultOfSubscription } from './judge.ts'
import { faultOfLog, type Logged, placesOf, readLogged } from './logged.ts'
import { Subscription } from './subscription.ts'
import { everything } from './wanted.ts'

/**
 * Reads all of a log, and holds it against what the network sent and what subscribers received, without filters that
 * changed on the way.
 *
 * @throws Error that says what is wrong
 */
export async function holdAgainst(
  url: string,
  expected: readonly string[],
  subscriptions: readonly Subscription[],
): Promise<Logged[]> {
  const progress = () => ({ known: 0, sent: expected.length })
  const whole = await new Subscription({ url, begin: 0, wanted: everything, progress }).opened()
  // Where they never come, what is missing is found below.
  await waitFor(() => whole.lines.length >= expected.length, { timeoutMs: 120_000 }).catch(() => {})
  // What comes twice may come late.
  await sleep(100)
  whole.cut()
  const log = whole.lines.map(readLogged)
  throwIf(faultOfLog(log, expected))
  const places = placesOf(log, expected)
  for (const subscription of subscriptions) {
    throwIf(faultOfSubscription({ log, places, atOneGo: 0 }, subscription, false))
  }
  return log
}

/** An assertion would cut the text. */
export function throwIf(fault: string | undefined): void {
  if (fault !== undefined) throw new Error(fault)
}
