import * as fc from 'fast-check'
import type { TestLog } from './test-log.ts'
import { del, put } from './test-log.ts'

/** One thing that happens to a log: changes that are committed together, time that passes, or a restart. */
export type Step =
  | { kind: 'append'; changes: { record: string; targets: string[] }[] }
  | { kind: 'pass'; ms: number }
  | { kind: 'reopen' }

/** No sum of passes is this long, so nothing depends on a microsecond. */
export const delayMs = 21_300

const change = fc.record({
  record: fc.constantFrom('r', 's', 't'),
  targets: fc.oneof(
    { weight: 3, arbitrary: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant<string[]>([]) },
  ),
})

export const history: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        changes: fc.array(change, { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        ms: fc.constantFrom(500, 1_000, 7_000, 10_000, 30_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  ),
  { minLength: 4, maxLength: 30, size: 'max' },
)

export async function play(test: TestLog, step: Step): Promise<void> {
  if (step.kind === 'pass') test.pass(step.ms)
  else if (step.kind === 'reopen') await test.reopen()
  else {
    await test.append(
      ...step.changes.map(({ record, targets }) =>
        targets.length === 0 ? del(record) : put(record, ...targets),
      ),
    )
  }
}

interface Version {
  record: string
  atMs: number
  targets: readonly string[]
}

/**
 * What both streams are to show of a history at its end, said the plain way: look at all versions afterwards, leave out
 * those of the delayed stream that another followed within the delay, and tell the difference from one to the next.
 */
export function expected(steps: readonly Step[]): { instant: string[]; delayed: string[] } {
  let nowMs = 0
  const versions: Version[] = []
  for (const step of steps) {
    if (step.kind === 'pass') nowMs += step.ms
    else if (step.kind === 'append') {
      for (const { record, targets } of step.changes) versions.push({ record, targets, atMs: nowMs })
    }
  }
  const stood = versions.filter((version, i) => {
    const next = versions.slice(i + 1).find(({ record }) => record === version.record)
    return !next || next.atMs > version.atMs + delayMs
  })
  const out = stood.filter(({ atMs }) => atMs + delayMs < nowMs)
  return { instant: differences(versions), delayed: differences(out) }
}

/** The changes from one version of each record to the next, in short. */
export function differences(versions: readonly Pick<Version, 'record' | 'targets'>[]): string[] {
  const before = new Map<string, readonly string[]>()
  return versions.flatMap(({ record, targets }) => {
    const had = before.get(record) ?? []
    before.set(record, targets)
    const gone = new Set(had.filter(target => !targets.includes(target)))
    const seen = new Set(had)
    const came = targets.map(target => {
      const sign = seen.has(target) ? '=' : '+'
      seen.add(target)
      return `${sign}${record} ${target}`
    })
    return [...[...gone].toSorted().map(target => `-${record} ${target}`), ...came]
  })
}

/** Links that are gone with one version have no order of their own. */
export function sortGone(shown: readonly string[]): string[] {
  const sorted: string[] = []
  for (let i = 0; i < shown.length;) {
    let end = i + 1
    const head = shown[i]!.split(' ')[0]!
    while (end < shown.length && head.startsWith('-') && shown[end]!.startsWith(`${head} `)) end++
    sorted.push(...shown.slice(i, end).toSorted())
    i = end
  }
  return sorted
}
