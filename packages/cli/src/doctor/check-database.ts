// Looks through one database for damage, and ends. A process of its own, so that it can be given up at any moment and is
// last in the queue for the CPU: the file may belong to a service that is running.
import { constants, setPriority } from 'node:os'
import { integrityCheck, openDatabase } from '@orrery/storage'

const [path = ''] = process.argv.slice(2)
try {
  setPriority(constants.priority.PRIORITY_LOW)
  const db = openDatabase(path, { readonly: true, cacheBytes: 8 * 1024 * 1024 })
  const problems = integrityCheck(db)
  const version = (db.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version
  db.close()
  process.stdout.write(JSON.stringify({ problems, version }))
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }))
}
