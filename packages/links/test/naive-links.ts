import type { Link } from '../src/index.ts'
import { naiveTarget } from './naive-target.ts'

/** The links of a parsed record, by the rules written down a second time. */
export function naiveLinks(record: unknown): Link[] {
  return leaves(record).flatMap(([path, text]) => {
    const found = naiveTarget(text)
    return found ? [{ path, ...found }] : []
  })
}

/** All strings of a value with their paths, in document order. */
function leaves(value: unknown): [path: string, text: string][] {
  if (typeof value === 'string') return [['', value]]
  if (typeof value !== 'object' || value === null) return []
  const children = Array.isArray(value)
    ? value.map(item => [labelOf(item), item] as const)
    : Object.entries(value)
        .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map(([key, member]) => [`.${key}`, member] as const)
  return children.flatMap(([label, child]) =>
    leaves(child).map(([path, text]): [string, string] => [label + path, text]),
  )
}

function labelOf(item: unknown): string {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item)
  const type = isObject ? Object.getOwnPropertyDescriptor(item, '$type')?.value : undefined
  return typeof type === 'string' ? `[${type}]` : '[]'
}
