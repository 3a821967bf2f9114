// A restore in a process of its own, to be killed. Its options are the argument; says when it is where it is to be killed, and
// waits there.
import { runRestore } from '../src/restore.ts'
import type { RestoreOptions } from '../src/restore.ts'

const { at, ...options } = JSON.parse(process.argv[2]!) as RestoreOptions & {
  at: { phase: string; percent: number }
}
await runRestore({
  ...options,
  onProgress({ phase, doneBytes, totalBytes }) {
    if (phase !== at.phase || doneBytes * 100 < totalBytes * at.percent) return
    process.send!('there')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000)
  },
})
process.send!('done')
process.disconnect?.()
