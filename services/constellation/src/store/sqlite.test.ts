import { describeStore } from './testing/describe-store.ts'
import { openTestedSqlite } from './testing/tested-sqlite.ts'

describeStore('an index in SQLite', () => openTestedSqlite())
// Rows that are cut all the time: what long lists and busy repositories come to.
describeStore('an index in SQLite with short rows', () => openTestedSqlite({ maxRowBytes: 30 }))
