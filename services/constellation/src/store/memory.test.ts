import { createMemoryStore } from './memory.ts'
import { describeStore } from './testing/describe-store.ts'
import { createJournaledStore } from './testing/journaled-store.ts'
import { createRecount } from './testing/recount.ts'

describeStore('an index in memory', async () => createMemoryStore())
describeStore('an index in memory that is built anew', async () => createJournaledStore())
// What judges the stores in the histories is held to the contract too.
describeStore('a recount from scratch', async () => createRecount())
