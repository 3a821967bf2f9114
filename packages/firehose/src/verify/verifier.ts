import {
  ByteSink,
  type CommitFrame,
  type CommitOp,
  frameLimits,
  parsePublicKey,
  type PublicKey,
  readFrame,
  RecordTranscoder,
  RepoError,
  tryParsePath,
  type VerifiedCommit,
  verifyCommit,
  verifySync,
} from '@orrery/repo'
import { LRUCache } from 'lru-cache'
import type { DropReason } from '../drops.ts'
import type { OpVerdict, Verdict, VerifierApi, VerifyRequest, VerifyResponse } from './verdict.ts'

/** Keys kept parsed; one costs about as much to parse as a signature to check, and some 2 kB to keep. */
const cachedKeys = 10_000

/** Checks frames and turns their records into JSON. Synchronous and without any knowledge of accounts: one a thread. */
export function createVerifier(): VerifierApi {
  const keys = new LRUCache<string, PublicKey>({ max: cachedKeys })
  const transcoder = new RecordTranscoder()
  const sink = new ByteSink(256 * 1024)

  function keyOf(multikey: string): PublicKey {
    let key = keys.get(multikey)
    if (!key) {
      key = parsePublicKey(multikey)
      keys.set(multikey, key)
    }
    return key
  }

  function check(bytes: Uint8Array, multikey: string | null, request: VerifyRequest): Verdict {
    const before = sink.length
    try {
      const frame = readFrame(bytes)
      if (frame.kind !== 'commit' && frame.kind !== 'sync')
        return refuse('frame_bad_body', `kind=${frame.kind}`)
      const key = multikey === null || request.checks === 'none' ? undefined : keyOf(multikey)
      const options = { key, nowUs: request.nowUs, checks: request.checks }
      if (frame.kind === 'commit') return commitVerdict(frame, verifyCommit(frame, options))
      const { data, signed } = verifySync(frame, options)
      return { ok: true, kind: 'sync', data: data.toString(), signed, time: frame.time }
    } catch (error) {
      sink.length = before
      if (error instanceof RepoError) return refuse(reasonOf(error), error.message)
      throw error
    }
  }

  function commitVerdict(frame: CommitFrame, verified: VerifiedCommit): Verdict {
    const ops: OpVerdict[] = []
    const droppedOps: DropReason[] = []
    for (const op of frame.ops) {
      const verdict = opVerdict(op, verified)
      if (typeof verdict === 'string') droppedOps.push(verdict)
      else ops.push(verdict)
    }
    return {
      ok: true,
      kind: 'commit',
      since: frame.since,
      prevData: frame.prevData?.toString() ?? null,
      data: verified.data.toString(),
      signed: verified.signed,
      complete: verified.proof === 'inverted',
      time: frame.time,
      ops,
      droppedOps,
    }
  }

  /** One bad operation costs itself alone, as nothing else of the commit depends on it. */
  function opVerdict(op: CommitOp, { car }: VerifiedCommit): OpVerdict | DropReason {
    const path = tryParsePath(op.path)
    if (!path) return 'bad_path'
    const common = { action: op.action, collection: path.collection, rkey: path.rkey }
    if (op.action === 'delete') return { ...common, cid: null, start: 0, end: 0 }
    if (!op.cid) return 'bad_ops'
    const block = car.find(op.cid.bytes, 0)
    if (block < 0) return 'missing_block'
    const from = car.start(block)
    const to = car.end(block)
    if (to - from > frameLimits.record) return 'record_too_big'
    const start = sink.length
    try {
      transcoder.write(car.bytes, from, to, sink)
    } catch (error) {
      if (error instanceof RepoError) return error.code
      throw error
    }
    return { ...common, cid: op.cid.toString(), start, end: sink.length }
  }

  return {
    verify(request): VerifyResponse {
      sink.reset()
      let start = 0
      const verdicts = request.ends.map((end, i) => {
        const verdict = check(request.bytes.subarray(start, end), request.keys[i] ?? null, request)
        start = end
        return verdict
      })
      return { verdicts, json: new Uint8Array(sink.view()) }
    },
  }
}

function reasonOf(error: RepoError): DropReason {
  return error.code === 'key_unsupported' ? 'no_signing_key' : error.code
}

function refuse(reason: DropReason, detail: string): Verdict {
  return { ok: false, reason, detail: detail.slice(0, 300) }
}
