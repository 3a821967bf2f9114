import { didOfLine, linesByAccount } from '@orrery/testnet'
import { expect } from 'vitest'
import { type Event, subscribe } from '../harness.ts'

/** An event of the log as a simulated network's ledger writes it. */
export function lineOf({ did, kind, commit, account }: Event): string {
  if (commit) {
    const { rev, operation, collection, rkey, cid } = commit
    return `${did} ${rev} ${operation} ${collection}/${rkey} ${cid ?? ''}`.trimEnd()
  }
  if (account) return `${did} account ${account.active} ${account.status ?? ''}`.trimEnd()
  return `${did} ${kind}`
}

/** Reads a whole log through a subscription, up to when `isAll` says that it is all. */
export async function readLog(
  url: string,
  isAll: (lines: readonly string[]) => boolean,
  timeoutMs = 30_000,
): Promise<string[]> {
  using client = await subscribe(`${url}?cursor=0`)
  const lines: string[] = []
  const deadline = performance.now() + timeoutMs
  for (let wanted = 1; !isAll(lines) && performance.now() < deadline; wanted = lines.length + 1) {
    // What it lacks at the end is for the comparison to say.
    await client.count(wanted, 1_000).catch(() => {})
    for (const { data } of client.messages.slice(lines.length)) {
      lines.push(lineOf(JSON.parse(data.toString()) as Event))
    }
  }
  return lines
}

/** Lines of all accounts but these. */
export function without(dids: ReadonlySet<string>, lines: readonly string[]): string[] {
  return dids.size === 0 ? [...lines] : lines.filter(line => !dids.has(didOfLine(line)))
}

/** Holds a log against what was to come out: each account's events, all and in their order. */
export function expectSameAccounts(log: readonly string[], expected: readonly string[]): void {
  // Said by their difference: thousands of lines of both would be no help.
  const lost = new Set(expected).difference(new Set(log))
  const added = new Set(log).difference(new Set(expected))
  expect({ lost: [...lost].slice(0, 5), added: [...added].slice(0, 5) }).toEqual({ lost: [], added: [] })
  expect(log.length).toBe(expected.length)
  expect(linesByAccount(log)).toEqual(linesByAccount(expected))
}
