import type { Batch, CommitEvent } from '@orrery/firehose'
import { createRandom } from '@orrery/testnet'
import { nsidOf } from './year.ts'

export interface EventsOptions {
  events: number
  collections: number
  perBatch: number
}

/** Accounts that do something; most of it is by some of them. */
const accounts = 200_000

/**
 * A firehose that is behind, as after a pause: the next full batch gathers on this thread while the one before is written.
 * Collections are as uneven as in a year of them, but for a tenth, which is in any collection.
 */
export function gatherEvents({ events, collections, perBatch }: EventsOptions): AsyncIterable<Batch> {
  const random = createRandom(5)
  const record = Buffer.from(JSON.stringify({ $type: 'x', text: 'y'.repeat(250), createdAt: 'z' }))
  const nsids = Array.from({ length: collections }, (_, i) => nsidOf(1 + i))
  let timeUs = Date.now() * 1_000 - events * 25
  let seq = 0

  function next(): CommitEvent {
    const uneven = Math.ceil((1 - random.next()) ** (-1 / 0.9))
    const rank = random.next() < 0.1 ? 1 + random.below(collections) : Math.min(collections, uneven)
    const account = Math.floor(random.next() ** 2 * accounts)
    const did = `did:plc:${account.toString(32).padStart(24, 'a')}`
    const where = { collection: nsids[rank - 1]!, rkey: `3l${timeUs.toString(32)}` }
    timeUs += 25
    const op =
      random.next() < 0.04
        ? { action: 'delete' as const, ...where, cid: null, record: null }
        : {
            action: 'create' as const,
            ...where,
            cid: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a',
            record,
          }
    const source = { source: 'wss://jetstream.example', seq: seq++, verified: false, time: '', timeUs }
    return { kind: 'commit', did, rev: '3lrevrevrevre', ops: [op], ...source }
  }

  function gather(): Batch | undefined {
    const count = Math.min(perBatch, events - seq)
    if (count === 0) return undefined
    const batch = Array.from({ length: count }, next)
    const cursor = { source: 'wss://jetstream.example', cursor: timeUs, time: '', seen: [] }
    return { events: batch, progress: { cursors: [cursor], accounts: [], notices: [], gaps: [] } }
  }

  async function* batches(): AsyncGenerator<Batch, void> {
    for (let gathered = gather(); gathered;) {
      const gathering = Promise.withResolvers<Batch | undefined>()
      setImmediate(() => gathering.resolve(gather()))
      yield gathered
      gathered = await gathering.promise
    }
  }
  return { [Symbol.asyncIterator]: batches }
}
