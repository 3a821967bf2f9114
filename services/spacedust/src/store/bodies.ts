import type { Database } from '@orrery/storage'
import type { RecordBody } from '../store.ts'
import { compress, decompress } from './zstd.ts'

/** The entries of a version that have its record: their places, both ends included. */
export interface BodySpan {
  firstUs: number
  lastUs: number
  body: RecordBody
}

/** Writes records beside the log: those of a commit together, compressed. */
export function openBodyWriter(db: Database): {
  put(spans: readonly BodySpan[]): void
  forget(beforeUs: number): void
} {
  const insert = db.prepare('INSERT INTO bodies (last_us, texts) VALUES (?, ?)')
  const forget = db.prepare<[number]>('DELETE FROM bodies WHERE last_us < ?')
  return {
    put(spans) {
      if (spans.length > 0) insert.run(spans.at(-1)!.lastUs, compress(Buffer.from(written(spans))))
    },
    forget: beforeUs => void forget.run(beforeUs),
  }
}

interface KeptCommit {
  lastUs: number
  spans: BodySpan[]
}

/** Finds the records of entries. What it answers throws for bytes that are damaged. */
export function openBodyReader(db: Database): (positions: readonly number[]) => (RecordBody | undefined)[] {
  const find = db.prepare<[number], { lastUs: number; texts: Uint8Array }>(
    'SELECT last_us AS lastUs, texts FROM bodies WHERE last_us >= ? ORDER BY last_us LIMIT 1',
  )
  /** Entries are asked for one behind the other. */
  let commit: KeptCommit | undefined

  function commitAt(positionUs: number): KeptCommit | undefined {
    const isIn = commit && commit.spans[0]!.firstUs <= positionUs && positionUs <= commit.lastUs
    if (isIn) return commit
    const row = find.get(positionUs)
    if (row && row.lastUs !== commit?.lastUs) {
      commit = { lastUs: row.lastUs, spans: read(decompress(row.texts).toString()) }
    }
    return row && commit
  }

  return positions =>
    positions.map(at => {
      const found = commitAt(at)
      const span = found && spanAt(found.spans, at)
      return span && span.firstUs <= at ? span.body : undefined
    })
}

/** The first that ends there or later; they are in order. */
function spanAt(spans: readonly BodySpan[], positionUs: number): BodySpan | undefined {
  let [low, high] = [0, spans.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (spans[middle]!.lastUs < positionUs) low = middle + 1
    else high = middle
  }
  return spans[low]
}

/** A line for each: JSON in one line has no end of line in it. */
function written(spans: readonly BodySpan[]): string {
  return spans.map(({ firstUs, lastUs, body }) => `${firstUs} ${lastUs} ${body.cid} ${body.json}`).join('\n')
}

function read(text: string): BodySpan[] {
  return text.split('\n').map(line => {
    const [, first, last, cid, json] = /^(\d+) (\d+) (\S+) (.*)$/.exec(line)!
    return { firstUs: Number(first), lastUs: Number(last), body: { cid: cid!, json: json! } }
  })
}
