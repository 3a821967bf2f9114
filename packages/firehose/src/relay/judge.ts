import { isValidHandle } from '@atproto/syntax'
import type { AccountFrame, IdentityFrame } from '@orrery/repo'
import { type AccountBook, fingerprint } from '../accounts.ts'
import type { DropReason } from '../drops.ts'
import type { AccountState, CommitEvent, Missing, RecordOp } from '../events.ts'
import type { Outbox } from '../outbox.ts'
import type { FirehoseStats } from '../stats.ts'
import { isTime } from '../time.ts'
import type { CommitVerdict, SyncVerdict } from '../verify/verdict.ts'
import type { VerifyMode } from './keys.ts'
import type { Item } from './lanes.ts'

export interface JudgeOptions {
  mode: VerifyMode
  book: AccountBook
  outbox: Outbox
  stats: FirehoseStats
  /** Told of each dropped frame or operation: for a log that is sparing with itself. */
  onDrop: ((reason: DropReason, did: string, detail: string) => void) | undefined
  now: () => number
}

/**
 * Compares a frame that was checked with what is known of its account, and gives it out or drops it with a reason. Each
 * account's frames are to be shown to it in their order.
 */
export interface Judge {
  /** Gives out or drops an item that is ready. */
  judge(item: Item): void
  /** Whether the rev of a commit or #sync is not above the newest of its account. */
  isReplay(item: Item): boolean
  dropReplay(item: Item): void
  /** Whether an identity or account event was given out before. */
  isKnown(notice: IdentityFrame | AccountFrame): boolean
  /** Whether it would be given out though a commit before it was not seen. */
  leavesHole(item: Item): boolean
  /** Counts something that is not given out. */
  drop(reason: DropReason, did: string, detail: string): void
}

/** In place of a tree's root: there were commits that did not come out, as the account was inactive. */
const passedOver = 'passed over'

export function createJudge(options: JudgeOptions): Judge {
  const { mode, book, outbox, stats, onDrop, now } = options

  function drop(reason: DropReason, did: string, detail: string): void {
    stats.dropped[reason]++
    onDrop?.(reason, did, detail)
  }

  function isReplay({ peek: { kind, did, rev } }: Item): boolean {
    if (rev === '') return false
    const state = book.get(did)
    if (rev === state.rev && kind === 'sync') return state.data !== passedOver
    return rev <= state.rev
  }

  /** A #sync for the rev that its account is at says nothing new, and hosts send one after each first commit. */
  function dropReplay({ peek: { kind, did, rev } }: Item): void {
    if (kind !== 'sync' || rev !== book.get(did).rev) drop('replay', did, `rev=${rev}`)
  }

  function wasGivenUnverified(did: string, rev: string, data: string): boolean {
    return mode === 'timely' && book.isNoticed(commitPrint(did, rev, data))
  }

  /**
   * Whether a commit follows on the account's last known one. The first that is seen of an account always does; so does
   * one that follows on a commit which was given out unverified, and so did not become the account's last.
   */
  function followsOn(did: string, state: AccountState, verdict: CommitVerdict): boolean {
    const { since, prevData } = verdict
    if (state.data === passedOver) return false
    if (state.rev !== '' && since === state.rev)
      return prevData === null || state.data === '' || prevData === state.data
    return !isBehindUnseen(did, state, verdict)
  }

  /** Whether there is a commit between it and the account's last known one. */
  function isBehindUnseen(did: string, state: AccountState, verdict: CommitVerdict): boolean {
    if (state.rev === '' || verdict.since === state.rev) return false
    return !isBehindUnverified(did, verdict)
  }

  /** Whether the commit that it follows on was given out unverified. */
  function isBehindUnverified(did: string, { since, prevData }: CommitVerdict): boolean {
    return since !== null && prevData !== null && wasGivenUnverified(did, since, prevData)
  }

  function missingAt(
    did: string,
    state: AccountState,
    verdict: CommitVerdict,
    follows: boolean,
  ): Missing | undefined {
    if (!follows) return 'commits'
    if (state.rev === '' && !isBehindUnverified(did, verdict)) return 'before'
    return verdict.droppedOps.length > 0 ? 'operations' : undefined
  }

  function judgeChecked(item: Item): void {
    const { verdict, json } = item.outcome!
    const { did } = item.peek
    const state = book.get(did)
    if (!verdict.ok) drop(verdict.reason, did, verdict.detail)
    else if (isReplay(item)) dropReplay(item)
    else if (!state.active) judgeInactive(item, state, verdict.signed)
    else if (verdict.kind === 'sync') judgeSync(item, state, verdict)
    else judgeCommit(item, state, verdict, json)
  }

  /**
   * What an inactive account did stays out also where it comes again once the account is back: from a replay, or from a
   * merged relay that is behind. The commit after it is a chain break, and a #sync for where the account is says something.
   */
  function judgeInactive({ peek: { did, rev } }: Item, state: AccountState, signed: boolean): void {
    if (mode === 'off' || signed) book.set(did, { ...state, rev, data: passedOver })
    drop('account_inactive', did, `status=${state.status}`)
  }

  function judgeCommit(item: Item, state: AccountState, verdict: CommitVerdict, json: Uint8Array): void {
    const { did, rev, seq } = item.peek
    const { signed, data, time } = verdict
    if (mode === 'strict' && !verdict.complete) {
      drop('missing_prev_data', did, `rev=${rev}`)
      return
    }
    const follows = followsOn(did, state, verdict)
    const isGivenOut = wasGivenUnverified(did, rev, data)
    // What nothing vouches for must not move the account forward: a forged rev would shut the true ones out.
    if (mode === 'off' || signed) book.set(did, { ...state, rev, data })
    else if (!isGivenOut) book.notice(commitPrint(did, rev, data), now())
    if (isGivenOut) {
      drop('replay', did, `rev=${rev}`)
      return
    }
    if (mode !== 'off' && !verdict.complete) stats.incomplete++
    if (!follows) stats.chainBreaks++
    if (!signed) stats.unverified++
    for (const reason of verdict.droppedOps) drop(reason, did, `operation of rev=${rev}`)
    const ops = verdict.ops.map((op): RecordOp => {
      const record = op.cid === null ? null : json.subarray(op.start, op.end)
      return { action: op.action, collection: op.collection, rkey: op.rkey, cid: op.cid, record }
    })
    const event: CommitEvent = {
      kind: 'commit',
      did,
      rev,
      ops,
      missing: missingAt(did, state, verdict, follows),
      verified: signed,
      seq,
      time: isTime(time) ? time : '',
      source: item.source,
      timeUs: undefined,
    }
    stats.events.commit++
    stats.ops += ops.length
    outbox.push(event)
  }

  function judgeSync(item: Item, state: AccountState, { signed, data, time: sent }: SyncVerdict): void {
    const { did, rev, seq } = item.peek
    // It tells to throw away what is known of the account: on nobody's word but the account's own.
    if (!signed && mode !== 'off') {
      drop('identity_unreachable', did, `#sync rev=${rev}`)
      return
    }
    book.set(did, { ...state, rev, data })
    // Nothing to tell where the account is at that state already.
    if (state.data === data) return
    stats.events.sync++
    const time = isTime(sent) ? sent : ''
    outbox.push({ kind: 'sync', did, rev, seq, time, source: item.source, timeUs: undefined })
  }

  /** Identity and account events: nobody signs them, so they are taken at the source's word, once each. */
  function judgeNotice(item: Item, notice: IdentityFrame | AccountFrame): void {
    const { kind, did, time, seq } = notice
    if (!isTime(time)) {
      drop('bad_time', did, `time=${time.slice(0, 64)}`)
      return
    }
    if (!book.notice(noticePrint(notice), now())) {
      drop('replay', did, kind)
      return
    }
    const base = { did, time, seq, source: item.source, timeUs: undefined }
    stats.events[kind]++
    if (kind === 'identity') {
      const handle = notice.handle !== undefined && isValidHandle(notice.handle) ? notice.handle : undefined
      outbox.push({ ...base, kind, handle })
    } else {
      const { active } = notice
      const status = statusText(notice)
      book.set(did, { ...book.get(did), active, status })
      outbox.push({ ...base, kind, active, status })
    }
  }

  return {
    judge(item) {
      if (item.notice) judgeNotice(item, item.notice)
      else judgeChecked(item)
    },
    isReplay,
    dropReplay,
    isKnown: notice => book.isNoticed(noticePrint(notice)),
    leavesHole(item) {
      const verdict = item.outcome?.verdict
      if (!verdict?.ok || verdict.kind !== 'commit' || isReplay(item)) return false
      if (mode === 'strict' && !verdict.complete) return false
      const state = book.get(item.peek.did)
      return state.active && isBehindUnseen(item.peek.did, state, verdict)
    },
    drop,
  }
}

function commitPrint(did: string, rev: string, data: string): string {
  return fingerprint(did, rev, data)
}

function noticePrint(notice: IdentityFrame | AccountFrame): string {
  const { kind, did, time } = notice
  if (kind === 'identity') return fingerprint(kind, did, time, notice.handle ?? '')
  return fingerprint(kind, did, time, String(notice.active), statusText(notice) ?? '')
}

/** Any word is a status; a long text is none. */
function statusText({ status }: AccountFrame): string | undefined {
  return status?.slice(0, 64)
}
