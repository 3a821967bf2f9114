import { ByteSink, cidOf, encodeCbor, RecordTranscoder, tidFromTimeUs, valueFromJson } from '@orrery/repo'
import { createRandom } from '../activity/random.ts'
import { createPopularity } from '../simulated/popularity.ts'
import { deleteShare, makeRecord, pickCollection, type Target } from '../simulated/traffic.ts'

/** A record operation as a verified firehose tells it. */
export interface LoadOperation {
  did: string
  rev: string
  action: 'create' | 'delete'
  collection: string
  rkey: string
  cid: string | null
  /** The record as JSON in the wire's order and escaping. */
  record: Uint8Array | null
}

export interface LoadOperationsOptions {
  /** Default 1. */
  seed?: number
  /** Accounts, of which the first are the busiest. Default 50,000. */
  accounts?: number
}

/** Posts that are liked and answered; as on the network, mostly the newest. */
const maxTargets = 20_000

/**
 * Makes operations in the shares and sizes of the network's, with real records and CIDs, and with keys and CIDs that
 * compress no better than real ones; without repositories or signatures, so some 30,000 a second. For what comes behind
 * the checks.
 */
export function createLoadOperations(options: LoadOperationsOptions = {}): () => LoadOperation {
  const { seed = 1, accounts = 50_000 } = options
  const random = createRandom(seed)
  let timeUs = 1_780_000_000_000_000
  const pickAccount = createPopularity(accounts, 0.5)
  const pickTarget = createPopularity(maxTargets, 0.5)
  const dids = Array.from({ length: accounts }, () => `did:plc:${letters(24)}`)
  const targets: Target[] = Array.from({ length: maxTargets }, (_, i) =>
    targetOf(dids[i % accounts]!, nextTid()),
  )
  const transcoder = new RecordTranscoder()
  const sink = new ByteSink()

  function letters(count: number): string {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
    return Array.from({ length: count }, () => alphabet[random.below(32)]).join('')
  }

  function nextTid(): string {
    timeUs += 1 + random.below(4_000)
    return tidFromTimeUs(timeUs, random.below(1024))
  }

  function targetOf(did: string, rkey: string, cid = cidOf(Buffer.from(letters(32))).toString()): Target {
    return { did, uri: `at://${did}/app.bsky.feed.post/${rkey}`, cid }
  }

  const anyTarget = (): Target => targets[pickTarget(random)]!

  return () => {
    const did = dids[pickAccount(random)]!
    const collection = pickCollection(random)
    const rkey = nextTid()
    const rev = nextTid()
    if (random.next() < deleteShare) {
      return { did, rev, action: 'delete', collection, rkey, cid: null, record: null }
    }
    const createdAt = new Date(timeUs / 1000).toISOString()
    const block = encodeCbor(valueFromJson(makeRecord(collection, random, anyTarget, createdAt)))
    const cid = cidOf(block).toString()
    if (collection === 'app.bsky.feed.post') {
      targets.pop()
      targets.unshift(targetOf(did, rkey, cid))
    }
    sink.reset()
    transcoder.write(block, 0, block.length, sink)
    const record = Uint8Array.from(sink.view())
    return { did, rev, action: 'create', collection, rkey, cid, record }
  }
}
