import { createBlock, entryAt, type LogBlock } from '../block.ts'
import type { Filter } from '../subscriber.ts'

/** An entry of a made-up log. Its text tells its position, so that what arrives can be told apart. */
export interface Entry {
  position: number
  tag: number
  text: string
}

/** An entry of about `bytes` bytes, with characters beyond ASCII in it. */
export function makeEntry(position: number, tag: number, bytes = 0): Entry {
  return { position, tag, text: `${position}:${tag}:é${'x'.repeat(bytes)}` }
}

/** Position of the entry that a text is of. */
export function positionOf(text: string): number {
  return Number.parseInt(text, 10)
}

/** Entries as a block. */
export function blockOf(entries: readonly Entry[]): LogBlock {
  const parts = entries.map(entry => Buffer.from(entry.text))
  const ends = new Uint32Array(parts.length)
  let end = 0
  for (const [i, part] of parts.entries()) ends[i] = end += part.length
  return createBlock(
    Buffer.concat(parts),
    ends,
    Float64Array.from(entries, entry => entry.position),
  )
}

/** The filter for entries with certain tags; undefined tags are every tag. `calls` counts the blocks that were looked at. */
export function tagFilter(tags: readonly number[], name = 'tags'): Filter & { calls: number } {
  const filter = {
    key: `${name} ${tags.toSorted((a, b) => a - b).join()}`,
    calls: 0,
    select(block: LogBlock): readonly number[] {
      filter.calls++
      const chosen: number[] = []
      for (let i = 0; i < block.count; i++) {
        const [, tag] = entryAt(block, i).toString().split(':', 2)
        if (tags.includes(Number(tag))) chosen.push(i)
      }
      return chosen
    },
  }
  return filter
}
