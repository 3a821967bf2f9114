import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkpoint, openDatabase } from '@orrery/storage'
import { Traffic } from './traffic.ts'

/** What a first version would take: a row of text for each link, found by target and by record. No counts are kept. */
export interface PlainTable {
  linksPerSecond: number
  bytesPerLink: number
}

const batchSize = 10_000

/** Puts so many links into a plain table, in this thread. */
export function fillPlainTable(links: number): PlainTable {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
  const path = join(folder, 'links.sqlite')
  const db = openDatabase(path)
  try {
    db.exec(`
      CREATE TABLE link (did TEXT, collection TEXT, rkey TEXT, path TEXT, target TEXT) STRICT;
      CREATE INDEX link_by_target ON link (target, collection, path);
      CREATE INDEX link_by_record ON link (did, collection, rkey);
    `)
    const remove = db.prepare('DELETE FROM link WHERE did = ? AND collection = ? AND rkey = ?')
    const insert = db.prepare('INSERT INTO link VALUES (?, ?, ?, ?, ?)')
    const apply = db.transaction((changes: ReturnType<Traffic['take']>) => {
      for (const change of changes) {
        if (change.kind !== 'put' && change.kind !== 'delete') continue
        const { did, collection, rkey } = change.record
        remove.run(did, collection, rkey)
        if (change.kind === 'delete') continue
        for (const { path: at, target } of change.links) insert.run(did, collection, rkey, at, target)
      }
    })
    const traffic = new Traffic()
    let ms = 0
    while (traffic.links < links) {
      const changes = traffic.take(batchSize)
      const startedAt = performance.now()
      apply.immediate(changes)
      ms += performance.now() - startedAt
    }
    checkpoint(db)
    const kept = db.prepare<[], number>('SELECT count(*) FROM link').pluck().get()!
    return { linksPerSecond: (traffic.links * 1000) / ms, bytesPerLink: statSync(path).size / kept }
  } finally {
    db.close()
    rmSync(folder, { recursive: true })
  }
}
