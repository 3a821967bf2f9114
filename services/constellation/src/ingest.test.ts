import type { Batch, Firehose, FirehoseEvent, Progress } from '@orrery/firehose'
import { createLogger } from '@orrery/server'
import { StorageError } from '@orrery/storage'
import { describe, expect, it } from 'vitest'
import { zeroChangeStats } from './changes.ts'
import { ingest } from './ingest.ts'
import type { Change } from './store.ts'
import { ChangeList, changesIn } from './store/change-list.ts'

const base = { did: 'did:plc:a', time: '', seq: 1, source: 'test', timeUs: undefined }
const identity: FirehoseEvent = { ...base, kind: 'identity', handle: undefined }
const deleted: FirehoseEvent = { ...base, kind: 'account', active: false, status: 'deleted' }
const deactivated: FirehoseEvent = { ...base, kind: 'account', active: false, status: 'deactivated' }

const progressTo = (cursor: number): Progress => ({
  cursors: [{ source: 'test', cursor, time: '', seen: [] }],
  accounts: [],
  notices: [],
  gaps: [],
})

/** Ingests these events, a batch each, into a store that fails as told; answers what it took in, and what was said. */
async function run(events: readonly FirehoseEvent[], failures: readonly (Error | undefined)[] = []) {
  const log: { level: string; msg: string }[] = []
  const applied: { kinds: Change['kind'][]; cursor: number }[] = []
  const tries: number[] = []
  const left = [...failures]
  let deletions = 0
  let read = 0
  async function* batches(): AsyncGenerator<Batch> {
    for (const event of events) yield { events: [event], progress: progressTo(++read) }
  }
  await ingest({
    firehose: batches() as unknown as Firehose,
    writer: {
      async apply(changes, { cursors }) {
        tries.push(read)
        const failure = left.shift()
        if (failure) throw failure
        applied.push({ kinds: changesIn(changes).map(({ kind }) => kind), cursor: cursors[0]!.cursor })
      },
      batch: () => new ChangeList(),
      gather: async () => {},
      tidy: async () => false,
      async [Symbol.asyncDispose]() {},
    },
    wants: () => true,
    stats: zeroChangeStats(),
    logger: createLogger({
      name: 'test',
      level: 'info',
      stream: { write: line => log.push(JSON.parse(line) as (typeof log)[number]) },
    }),
    commitIntervalMs: 0,
    signal: new AbortController().signal,
    onDeleted: () => deletions++,
    fullDiskPauseMs: 1,
  })
  return { applied, tries, log, deletions }
}

describe('ingest', () => {
  it('keeps the place of every batch, whatever is in it', async () => {
    // The first server forgets it for deletions of accounts, and for what changes nothing.
    const { applied, deletions } = await run([identity, deleted, deactivated])
    expect(applied).toEqual([
      { kinds: [], cursor: 1 },
      { kinds: ['delete_account'], cursor: 2 },
      { kinds: ['account'], cursor: 3 },
    ])
    expect(deletions).toBe(1)
  })

  it('waits where the disk is full, reads nothing meanwhile, and loses nothing', async () => {
    const full = new StorageError('full', 'no room')
    const { applied, tries, log } = await run([deactivated, deleted], [undefined, full, full])
    expect(applied.map(({ cursor }) => cursor)).toEqual([1, 2])
    expect(tries).toEqual([1, 2, 2, 2])
    expect(log.map(({ level }) => level)).toEqual(['error', 'error', 'info'])
    expect(log[0]!.msg).toContain('the disk is full: indexing has stopped, nothing is lost. Make room')
    expect(log[2]!.msg).toContain('there is room on the disk again')
  })

  it('ends with any other failure of the store', async () => {
    await expect(run([deactivated], [new StorageError('corrupt', 'broken')])).rejects.toThrow('broken')
  })
})
