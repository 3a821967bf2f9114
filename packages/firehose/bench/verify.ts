import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Commit,
  type CommitFrame,
  parsePublicKey,
  type PublicKey,
  readCar,
  readCommit,
  readFrame,
  verifyCommitSignature,
} from '@orrery/repo'
import { loadCorpus } from '@orrery/testnet'
import {
  type Candidate,
  compareApart,
  type Figure,
  figuresOf,
  median,
  serveCandidate,
} from '../../repo/bench/harness.ts'
import { openVerifyPool, type VerifyPool } from '../src/verify/pool.ts'
import type { Verdict, VerifyRequest } from '../src/verify/verdict.ts'
import { createVerifier } from '../src/verify/verifier.ts'

// How many commits a second are verified in full (decoded, every block hashed, signature, proof, records as JSON), beside
// what checking their signatures alone takes with OpenSSL, and with our own check; and what a second core adds.

interface Signed {
  frame: Uint8Array
  /** Multikey. */
  key: string
}

/** A thread of the pool gets frames in such batches when there are many. */
const batchFrames = 32

async function signedFrames(): Promise<Signed[]> {
  const corpus = await loadCorpus()
  return (corpus?.frames ?? []).map(frame => {
    const { did } = readFrame(frame) as CommitFrame
    const methods = corpus!.didDocuments.get(did)!.verificationMethod
    const key = methods.find(({ id }) => id.endsWith('#atproto'))!.publicKeyMultibase
    return { frame: Buffer.from(frame), key }
  })
}

/** What it takes at the least, with the keys parsed and the commits read beforehand. */
function signatures(
  frames: readonly Signed[],
  name: string,
  checkOf: (key: PublicKey) => (commit: Commit) => boolean,
): Candidate {
  const commits = frames.map(({ frame, key }) => {
    const car = readCar((readFrame(frame) as CommitFrame).blocks)
    return { commit: readCommit(car.get(car.roots[0]!)!), check: checkOf(parsePublicKey(key)) }
  })
  return {
    name,
    step(i) {
      const { commit, check } = commits[i % commits.length]!
      if (!check(commit)) throw new Error('a signature of the corpus is bad')
    },
  }
}

/** A check by OpenSSL, the native code that Node itself has. */
function opensslCheck(parsed: PublicKey): (commit: Commit) => boolean {
  const key = keyObjectOf(parsed)
  return ({ unsigned, signature }) =>
    verify('sha256', unsigned, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

function keyObjectOf(parsed: PublicKey): KeyObject {
  if (parsed.curve === 'p256') return parsed.key
  const [x, y] = [parsed.point.subarray(1, 33), parsed.point.subarray(33)].map(half =>
    Buffer.from(half).toString('base64url'),
  )
  return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'secp256k1', x: x!, y: y! } })
}

/** All of it, as a thread of the pool does it. A step is a frame: a batch is checked when its first frame is due. */
function everything(frames: readonly Signed[]): Candidate {
  const verifier = createVerifier()
  const batches: VerifyRequest[] = []
  // Until a batch would begin where the first one did, so that all frames come up equally often.
  for (let start = 0; start === 0 || start % frames.length !== 0; start += batchFrames) {
    const batch = Array.from({ length: batchFrames }, (_, i) => frames[(start + i) % frames.length]!)
    batches.push(requestOf(batch))
  }
  return {
    name: 'orrery',
    step(i) {
      if (i % batchFrames !== 0) return undefined
      const response = verifier.verify(batches[(i / batchFrames) % batches.length]!)
      response.verdicts.forEach(checkVerdict)
      return response
    },
  }
}

function requestOf(batch: readonly Signed[]): VerifyRequest {
  const bytes = new Uint8Array(Buffer.concat(batch.map(({ frame }) => frame)))
  let end = 0
  const ends = batch.map(({ frame }) => (end += frame.length))
  return { bytes, ends, keys: batch.map(({ key }) => key), checks: 'full', nowUs: Date.now() * 1000 }
}

function checkVerdict(verdict: Verdict): void {
  if (!verdict.ok || !verdict.signed) throw new Error('a frame of the corpus is refused')
}

/** Commits a second that a pool verifies with always enough before it, for so long. */
async function poolRate(pool: VerifyPool, frames: readonly Signed[], ms: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  let next = 0
  let done = 0
  let startedAt = 0
  let isOver = false
  const submit = (): void => {
    const { frame, key } = frames[next++ % frames.length]!
    pool.submit(frame, key, verdict => {
      checkVerdict(verdict)
      done++
      const elapsed = performance.now() - startedAt
      if (!isOver && elapsed < ms) return submit()
      if (!isOver) resolve((done * 1000) / elapsed)
      isOver = true
    })
  }
  startedAt = performance.now()
  for (let i = 0; i < 512; i++) submit()
  const rate = await promise
  while (pool.queued > 0) await sleep(10)
  return rate
}

/**
 * Commits verified in full beside their signatures alone, on one core; and by a pool of two threads beside one of one,
 * which only two idle cores can show. Empty where the recorded frames are not there.
 */
export async function benchVerify(): Promise<Figure[]> {
  const frames = await signedFrames()
  if (frames.length === 0) return []
  const names = ['orrery', 'OpenSSL, signatures alone', 'ours, signatures alone']
  const alone = await compareApart(import.meta.filename, names, { roundMs: 300 })
  return [...figuresOf('verified commits/s of a core', alone), await benchPool(frames)]
}

async function benchPool(frames: readonly Signed[]): Promise<Figure> {
  const onFailure = (error: unknown): never => {
    throw error
  }
  await using one = await openVerifyPool({ checks: 'full', threads: 1, onFailure })
  await using two = await openVerifyPool({ checks: 'full', threads: 2, onFailure })
  for (const pool of [one, two]) await poolRate(pool, frames, 1500)

  const rounds: { ofOne: number; ofTwo: number; others: number }[] = []
  for (let round = 0; round < 24; round++) {
    const othersSince = othersShare()
    const ofTwo = await poolRate(two, frames, 500)
    const ofOne = await poolRate(one, frames, 500)
    rounds.push({ ofOne, ofTwo, others: othersSince() })
  }
  // Two threads are no faster than one on a machine that is busy otherwise: only the calmest rounds tell.
  const calm = rounds.toSorted((a, b) => a.others - b.others).slice(0, 7)
  return {
    name: 'verified commits/s of a pool of two threads',
    figure: median(calm.map(({ ofTwo }) => ofTwo)),
    peer: 'one thread',
    peerFigure: median(calm.map(({ ofOne }) => ofOne)),
    ratio: median(calm.map(({ ofTwo, ofOne }) => ofTwo / ofOne)),
    note: `others took ${Math.round(100 * median(calm.map(({ others }) => others)))} % of the cores`,
  }
}

/** Starts to measure how much of the machine's cores other processes take; call what it answers for the share. */
function othersShare(): () => number {
  const busyMs = (): number =>
    cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
  const startedAt = performance.now()
  const busyBefore = busyMs()
  const ownBefore = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(ownBefore)
    const others = busyMs() - busyBefore - (user + system) / 1000
    return Math.max(0, others / ((performance.now() - startedAt) * cpus().length))
  }
}

const candidates: Record<string, (frames: readonly Signed[]) => Candidate> = {
  orrery: everything,
  'OpenSSL, signatures alone': frames => signatures(frames, 'OpenSSL, signatures alone', opensslCheck),
  'ours, signatures alone': frames =>
    signatures(frames, 'ours, signatures alone', key => commit => verifyCommitSignature(commit, key)),
}

if (import.meta.main) {
  const [name] = process.argv.slice(2)
  if (!name) console.table(await benchVerify())
  else serveCandidate(candidates[name]!(await signedFrames()))
}
