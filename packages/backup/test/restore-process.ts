// A restore in a process of its own, to be killed. Its options are the argument; says how far it is.
import { runRestore } from '../src/restore.ts'
import type { RestoreOptions } from '../src/restore.ts'

const options = JSON.parse(process.argv[2]!) as RestoreOptions
await runRestore({
  ...options,
  onProgress: ({ phase, doneBytes, totalBytes }) =>
    process.send!(`${phase} ${Math.floor((doneBytes * 100) / totalBytes)}`),
})
process.send!('done')
process.disconnect?.()
