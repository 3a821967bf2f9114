import { BackupError, messageOf } from './errors.ts'
import type { Manifest } from './manifest.ts'
import type { StoreView } from './store-set.ts'

export type Counts = Readonly<Record<string, { file: string; sql: string }>>

/** What a snapshot says of itself: how far upstream it has read, and what there is of what the service counts. */
export function factsOf({ files }: StoreView, counts: Counts): Pick<Manifest, 'upstream' | 'counts'> {
  const upstream: Manifest['upstream'] = []
  for (const { db } of files.values()) {
    const has = db
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'upstream_cursors'")
      .get()
    if (!has) continue
    const cursors = db
      .prepare<[], { source: string; cursor: number; time: string }>(
        'SELECT source, cursor, time FROM upstream_cursors ORDER BY source',
      )
      .all()
    for (const { source, cursor, time } of cursors) {
      upstream.push({ source: withoutCredentials(source), cursor, time })
    }
  }
  return {
    upstream,
    counts: Object.fromEntries(
      Object.entries(counts).flatMap(([name, { file, sql }]) => {
        const db = files.get(file)?.db
        if (!db) return []
        try {
          return [[name, Number(db.prepare(sql).pluck().get() ?? 0)]]
        } catch (cause) {
          throw new BackupError('unusable', `cannot count ${name} in ${file}: ${messageOf(cause)}`, { cause })
        }
      }),
    ),
  }
}

/** A manifest may be for everybody to read. */
function withoutCredentials(source: string): string {
  return source.replace(/^([a-z]+:\/\/)[^/@]*@/, '$1')
}
