import {
  asBuffer,
  type BlockMap,
  ByteSink,
  type Commit,
  type CommitFrame,
  type CommitOp,
  frameLimits,
  parsePublicKey,
  type PublicKey,
  readFrame,
  RecordTranscoder,
  RepoError,
  type SyncFrame,
  tryParsePath,
  verifyCommit,
  verifyCommitSignature,
  verifySync,
} from '@orrery/repo'
import { LRUCache } from 'lru-cache'
import type { DropReason } from '../drops.ts'
import type {
  CommitVerdict,
  OpVerdict,
  SyncVerdict,
  Verdict,
  VerifierApi,
  VerifyRequest,
  VerifyResponse,
} from './verdict.ts'

/** Keys kept parsed; one costs about as much to parse as a signature to check, and some 2 kB to keep. */
const cachedKeys = 10_000

/** What is true of a commit if its signature is. */
interface Unsigned {
  commit: Commit
  verdict: CommitVerdict | SyncVerdict
}

/** A verdict, or what is missing to one. */
type Checked = Verdict | (Unsigned & { key: PublicKey })

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

  /** Checks everything of a frame but its signature. */
  function check(bytes: Uint8Array, multikey: string | null, request: VerifyRequest): Checked {
    const before = sink.length
    try {
      const frame = readFrame(bytes)
      if (frame.kind !== 'commit' && frame.kind !== 'sync')
        return refuse('frame_bad_body', `kind=${frame.kind}`)
      const key = multikey === null || request.checks === 'none' ? undefined : keyOf(multikey)
      const unsigned = frame.kind === 'commit' ? ofCommit(frame, request) : ofSync(frame, request)
      return key ? { ...unsigned, key } : unsigned.verdict
    } catch (error) {
      sink.length = before
      if (error instanceof RepoError) return refuse(reasonOf(error), error.message)
      throw error
    }
  }

  function ofSync(frame: SyncFrame, { nowUs, checks }: VerifyRequest): Unsigned {
    const { commit, data } = verifySync(frame, { nowUs, checks })
    const verdict: SyncVerdict = {
      ok: true,
      kind: 'sync',
      data: data.toString(),
      signed: false,
      time: frame.time,
    }
    return { commit, verdict }
  }

  function ofCommit(frame: CommitFrame, { nowUs, checks }: VerifyRequest): Unsigned {
    const { car, commit, data, proof } = verifyCommit(frame, { nowUs, checks })
    const ops: OpVerdict[] = []
    const droppedOps: DropReason[] = []
    for (const op of frame.ops) {
      const verdict = opVerdict(op, car)
      if (typeof verdict === 'string') droppedOps.push(verdict)
      else ops.push(verdict)
    }
    const verdict: CommitVerdict = {
      ok: true,
      kind: 'commit',
      since: frame.since,
      prevData: frame.prevData?.toString() ?? null,
      data: data.toString(),
      signed: false,
      complete: proof === 'inverted',
      time: frame.time,
      ops,
      droppedOps,
    }
    return { commit, verdict }
  }

  /** One bad operation costs itself alone, as nothing else of the commit depends on it. */
  function opVerdict(op: CommitOp, car: BlockMap): OpVerdict | DropReason {
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
      // A Buffer, as each string that is read of other bytes would have one made.
      const bytes = asBuffer(request.bytes)
      let start = 0
      const checked = request.ends.map((end, i) => {
        const frame = bytes.subarray(start, end)
        start = end
        return check(frame, request.keys[i] ?? null, request)
      })
      // Signatures last, those of the whole batch: OpenSSL fills the processor's caches with its own, and what came behind
      // each one took 18 µs longer.
      return { verdicts: checked.map(checkSignature), json: new Uint8Array(sink.view()) }
    },
  }
}

function checkSignature(checked: Checked): Verdict {
  if (!('key' in checked)) return checked
  const { commit, key, verdict } = checked
  if (!verifyCommitSignature(commit, key)) return refuse('bad_signature', '')
  verdict.signed = true
  return verdict
}

function reasonOf(error: RepoError): DropReason {
  return error.code === 'key_unsupported' ? 'no_signing_key' : error.code
}

function refuse(reason: DropReason, detail: string): Verdict {
  return { ok: false, reason, detail: detail.slice(0, 300) }
}
