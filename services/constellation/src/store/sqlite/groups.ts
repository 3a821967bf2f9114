import type { JoinGroup, Page } from '../../store.ts'

/** A group of a join: most have one account, for which a set would take five times as much memory. */
export interface Group {
  records: number
  did: number
  /** The others. */
  more: Set<number> | undefined
}

/** Counts a record of an account. Groups are told by any text, the shorter the better. */
export function addToGroup(groups: Map<string, Group>, key: string, did: number): void {
  const group = groups.get(key)
  if (!group) {
    groups.set(key, { records: 1, did, more: undefined })
    return
  }
  group.records++
  if (did === group.did) return
  group.more ??= new Set()
  group.more.add(did)
}

/**
 * The groups whose names come next behind another one, by name. Of very many no more than some pages are held at a time
 * with their names.
 */
export function pageOfGroups(
  groups: ReadonlyMap<string, Group>,
  { limit, after, textOf }: { limit: number; after: string | undefined; textOf: (key: string) => string },
): Page<JoinGroup, string> {
  let next: { otherTarget: string; group: Group }[] = []
  const cut = (): void => {
    next = next.toSorted((a, b) => (a.otherTarget < b.otherTarget ? -1 : 1)).slice(0, limit + 1)
  }
  for (const [key, group] of groups) {
    const otherTarget = textOf(key)
    if (after !== undefined && otherTarget <= after) continue
    if (next.push({ otherTarget, group }) >= (limit + 1) * 4) cut()
  }
  cut()
  const items = next.slice(0, limit).map(({ otherTarget, group: { records, more } }) => ({
    otherTarget,
    records,
    distinct: 1 + (more?.size ?? 0),
  }))
  return { items, next: next.length > limit ? items.at(-1)!.otherTarget : undefined }
}
