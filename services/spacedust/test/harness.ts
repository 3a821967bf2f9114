import { type Flags, startTestService, type TestService } from '@orrery/server/testing'
import { connectSubscriber, refusedUpgrade as refuse, type Subscriber } from '@orrery/testnet'
import { type Spacedust, spacedustOptions, startSpacedust } from '../src/service.ts'

/** A Spacedust in this process, on free ports and in a folder of its own. */
export interface TestSpacedust extends TestService<Spacedust> {
  /** `ws://…/subscribe` with parameters. */
  subscribeUrl(query?: string): string
}

/** Starts one. A given `data-dir` is kept. */
export async function startTestSpacedust(flags: Flags): Promise<TestSpacedust> {
  const test = await startTestService(
    { name: 'spacedust', options: spacedustOptions, start: startSpacedust },
    flags,
  )
  return {
    ...test,
    subscribeUrl: (query = '') =>
      `${test.service.url.replace('http', 'ws')}/subscribe${query === '' ? '' : `?${query}`}`,
  }
}

/** A message about a link. */
export interface LinkEvent {
  kind: string
  origin: string
  time_us?: number
  cid?: string
  record?: unknown
  link: { operation: string; source: string; source_record: string; source_rev: string; subject: string }
}

/** A subscriber that keeps what comes. */
export type Client = Subscriber<LinkEvent>

/** Connects one; rejects where the upgrade is refused. */
export function subscribe(url: string): Promise<Client> {
  return connectSubscriber(url)
}

/** What the server answers to an upgrade that it refuses. */
export async function refusedUpgrade(url: string): Promise<{ status: number; message: string }> {
  const { status, body } = await refuse(url)
  return { status, message: (JSON.parse(body) as { message: string }).message }
}
