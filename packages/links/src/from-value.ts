import { addLink, emptyExtraction, type Extraction, type Limits, maxLevels } from './extraction.ts'
import { compareUtf8 } from './key-order.ts'
import { parseTarget } from './target.ts'

/** The links of a value that was parsed from JSON: the plain form of what the readers of bytes do. */
export function linksOfValue(value: unknown, limits: Limits): Extraction {
  const out = emptyExtraction()
  visit(value, '', 0, limits, out)
  return out
}

function visit(value: unknown, path: string, level: number, limits: Limits, out: Extraction): void {
  if (typeof value === 'string') {
    const target = parseTarget(value)
    // Keys in JSON may hold half a surrogate pair, which has no UTF-8: no query could name the path.
    if (target) addLink(out, limits, path.toWellFormed(), target)
  }
  if (typeof value !== 'object' || value === null) return
  if (level >= maxLevels) {
    out.tooDeep++
  } else if (Array.isArray(value)) {
    for (const item of value as unknown[]) visit(item, path + itemLabel(item), level + 1, limits, out)
  } else {
    const members = value as Record<string, unknown>
    for (const key of sortedKeys(members)) visit(members[key], `${path}.${key}`, level + 1, limits, out)
  }
}

function itemLabel(item: unknown): string {
  if (typeof item !== 'object' || item === null || Array.isArray(item) || !Object.hasOwn(item, '$type'))
    return '[]'
  const type = (item as { $type: unknown }).$type
  return typeof type === 'string' ? `[${type}]` : '[]'
}

function sortedKeys(members: object): string[] {
  const keys = Object.keys(members)
  for (let i = 1; i < keys.length; i++) {
    if (compareUtf8(keys[i - 1]!, keys[i]!) > 0) return keys.toSorted(compareUtf8)
  }
  return keys
}
