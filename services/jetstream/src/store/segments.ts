import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A file of the log, one for each hour in which events came. */
export interface Segment {
  /** Its hour, `2026-11-20T23`, UTC. Names sort as times do. */
  name: string
  path: string
}

const hourUs = 3_600_000_000
const pattern = /^(\d{4}-\d{2}-\d{2}T\d{2})\.sqlite$/

/** The segment that a block belongs in: the one of the hour of its first event. */
export function segmentAt(folder: string, timeUs: number): Segment {
  const name = new Date(Math.floor(timeUs / hourUs) * (hourUs / 1000)).toISOString().slice(0, 13)
  return { name, path: join(folder, `${name}.sqlite`) }
}

/** All segments in a folder, oldest first. */
export function listSegments(folder: string): Segment[] {
  return readdirSync(folder)
    .map(file => pattern.exec(file)?.[1])
    .filter(name => name !== undefined)
    .toSorted()
    .map(name => ({ name, path: join(folder, `${name}.sqlite`) }))
}

/** Where a segment's hour begins, microseconds since 1970. */
export function segmentStart(segment: Segment): number {
  return Date.parse(`${segment.name}:00:00Z`) * 1000
}

/** The bytes of a segment on disk, with its WAL. */
export function segmentBytes(segment: Segment): number {
  return ['', '-wal', '-shm'].reduce(
    (sum, suffix) => sum + (statSync(segment.path + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

/** Removes a segment. It costs the same whatever is in it. */
export function removeSegment(segment: Segment): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(segment.path + suffix, { force: true })
}
