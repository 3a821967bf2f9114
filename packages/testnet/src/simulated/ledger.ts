import { type FaultKind, faults } from './faults.ts'
import type { SimulatedFrame } from './world.ts'

/**
 * What a strict consumer of one relay is to make of what it was sent. It follows the rules of the protocol by the names
 * of things alone, without looking at any bytes; so what a consumer makes of the bytes can be held against it.
 */
export interface Ledger {
  /** What is to come out, in the order it was sent; see `SimulatedFrame.lines`. */
  readonly expected: readonly string[]
  /** How much is to be dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>
  /** Commits that come out and do not follow on their account's last. */
  readonly chainBreaks: number
  /** #sync messages that say something new. */
  readonly syncs: number
}

type CommitOf = Extract<SimulatedFrame, { kind: 'commit' }>

interface Known {
  rev: string
  data: string
  active: boolean
  /** Whether a commit was passed over, being inactive, since the last that came out. */
  passedOver: boolean
}

/** Keeps a ledger of what is sent, in that order. */
export class LedgerKeeper implements Ledger {
  readonly expected: string[] = []
  readonly drops: Record<string, number> = {}
  chainBreaks = 0
  syncs = 0
  readonly #unresolved: (did: string) => string | undefined
  readonly #known = new Map<string, Known>()

  /** `unresolved` answers the reason for accounts whose identity cannot be had. */
  constructor(unresolved: (did: string) => string | undefined) {
    this.#unresolved = unresolved
  }

  /** Takes note of a frame as it is sent. */
  sent(frame: SimulatedFrame): void {
    const known = this.#knownOf(frame.did)
    switch (frame.kind) {
      case 'account':
        known.active = frame.active
        this.expected.push(...frame.lines)
        return
      case 'identity':
        this.expected.push(...frame.lines)
        return
      case 'sync':
        if (this.#isRefused(frame, known)) return
        if (frame.data !== known.data || known.passedOver) this.syncs++
        Object.assign(known, { rev: frame.rev, data: frame.data, passedOver: false })
        return
      case 'commit':
        this.#commit(frame, known)
    }
  }

  #commit(frame: CommitOf, known: Known): void {
    const { seenIn, reason } = frame.fault ? faults[frame.fault] : noFault
    if (seenIn === 'frame') this.#drop(reason)
    else if (!this.#isRefused(frame, known, seenIn === 'checks' ? reason : undefined)) {
      if (known.rev !== '' && (frame.since !== known.rev || known.passedOver)) this.chainBreaks++
      Object.assign(known, { rev: frame.rev, data: frame.data, passedOver: false })
      if (seenIn === 'record') this.#drop(reason)
      this.expected.push(...frame.lines)
    }
  }

  /** Drops what is signed where that is due. The rules are in their order. */
  #isRefused({ kind, did, rev }: SimulatedFrame, known: Known, flaw?: string): boolean {
    const saysNew = kind === 'sync' && rev === known.rev && known.passedOver
    if (rev <= known.rev && !saysNew) {
      // A #sync for where the account is says nothing, and is no drop.
      if (kind === 'commit' || rev < known.rev) this.#drop('replay')
      return true
    }
    const refusal = this.#unresolved(did) ?? flaw ?? (known.active ? undefined : 'account_inactive')
    if (refusal === undefined) return false
    this.#drop(refusal)
    // It is not to come out later either.
    if (refusal === 'account_inactive') Object.assign(known, { rev, passedOver: true })
    return true
  }

  #drop(reason: string): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1
  }

  #knownOf(did: string): Known {
    let known = this.#known.get(did)
    if (!known) this.#known.set(did, (known = { rev: '', data: '', active: true, passedOver: false }))
    return known
  }
}

const noFault = { seenIn: undefined, reason: undefined }

/** Lines of a ledger account by account: between accounts there is no order. */
export function linesByAccount(lines: readonly string[]): Map<string, string[]> {
  return Map.groupBy(lines, didOfLine)
}

/** The account of a line. */
export function didOfLine(line: string): string {
  return line.slice(0, line.indexOf(' '))
}

/** Drops under a ledger's names: `cbor_*` stands for all such reasons that the ledger does not name. */
export function dropsAsIn(
  ledger: Readonly<Record<string, number>>,
  dropped: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [reason, count] of Object.entries(dropped)) {
    const name = ledger[reason] === undefined && reason.startsWith('cbor_') ? 'cbor_*' : reason
    if (count > 0) counts[name] = (counts[name] ?? 0) + count
  }
  return counts
}

/** A counter for each kind, all zero. */
export function zeroCounts<K extends string>(kinds: readonly K[]): Record<K, number> {
  return Object.fromEntries(kinds.map(kind => [kind, 0])) as Record<K, number>
}

/** Whether a fault takes something from its account. */
export function isLoss(fault: FaultKind): boolean {
  return faults[fault].lost
}
