// Appends until it is killed. Each append is announced before it begins and once it is acknowledged. Goes on where the
// log's progress says, as the service does.
import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose'
import { openDatabase } from '@orrery/storage'
import { EventClock, EventEncoder } from '../encode.ts'
import { openSqliteEventLog } from '../store/sqlite.ts'
import { makeCommit, progressTo } from './make-events.ts'

const [folder = '', hourMs = '0'] = process.argv.slice(2)

const log = await openSqliteEventLog({
  folder,
  durability: 'normal',
  recentBytes: 10_000,
  replayBytes: 10_000,
  limits: { sealEvents: 7, sealBytes: 20_000 },
  onFailure: error => {
    throw error
  },
  onProblem: problem => {
    throw new Error(problem)
  },
})
const state = openDatabase(join(folder, 'state.sqlite'), { readonly: true })
let next = (prepareReadProgress(state).cursor('wss://relay.example')?.cursor ?? 0) + 1

// The clock runs through an hour in twenty appends, and now and then back.
let ms = Number(hourMs)
const encoder = new EventEncoder(new EventClock(log.last, () => ms))
for (;;) {
  const count = (next % 4) + 1
  const names = Array.from({ length: count }, (_, i) => `e${next + i}`)
  const events = encoder.encode(names.map(name => makeCommit(name, (next * 37) % 3_000)))
  await log.append(events, progressTo(next + count - 1))
  next += count
  ms += next % 11 === 0 ? -400_000 : 180_000
  process.stdout.write(`${next - 1}\n`)
}
