import type { CommitEvent, FirehoseEvent, RecordOp } from '@orrery/firehose'
import { beforeEach, expect, it } from 'vitest'
import { type ChangeStats, createChangeMaker, zeroChangeStats } from './changes.ts'
import type { Change } from './store.ts'

const nowMs = Date.parse('2026-03-04T05:06:07Z')
let stats: ChangeStats
let changesOf: (event: FirehoseEvent) => Change[]
beforeEach(() => {
  stats = zeroChangeStats()
  changesOf = createChangeMaker({ stats, maxSampleBytes: 20, now: () => nowMs })
})

const common = { did: 'did:plc:a', source: 'wss://a', seq: 1 }
const op = (more: Partial<RecordOp> = {}): RecordOp => ({
  action: 'create',
  collection: 'a.b.c',
  rkey: 'x',
  cid: 'bafy',
  record: Buffer.from('{}'),
  ...more,
})
const commit = (ops: RecordOp[], at: { time?: string; timeUs?: number } = {}): CommitEvent => ({
  ...common,
  kind: 'commit',
  rev: 'rev',
  verified: true,
  ops,
  time: '',
  timeUs: undefined,
  ...at,
})
const timeUsOf = (at: { time?: string; timeUs?: number }): unknown => {
  const [change] = changesOf(commit([op()], at))
  return (change as { timeUs: number }).timeUs
}

it('makes a change of each operation, and of accounts that are gone', () => {
  const time = { timeUs: nowMs * 1_000 - 7 }
  const deletion = op({ action: 'delete', cid: null, record: null })
  expect(changesOf(commit([op(), op({ action: 'update', rkey: 'y' }), deletion], time))).toMatchObject([
    { kind: 'create', did: 'did:plc:a', collection: 'a.b.c', rkey: 'x', rev: 'rev', cid: 'bafy', ...time },
    { kind: 'update', rkey: 'y' },
    { kind: 'delete', did: 'did:plc:a', collection: 'a.b.c', rkey: 'x', ...time },
  ])
  const account = { ...common, kind: 'account' as const, time: '', timeUs: undefined }
  expect(changesOf({ ...account, active: true, status: undefined })).toEqual([])
  for (const status of ['deleted', 'takendown', undefined]) {
    const [change] = changesOf({ ...account, active: false, status })
    expect(change).toEqual({ kind: 'remove_account', did: 'did:plc:a' })
  }
  expect(stats.changes).toEqual({ create: 1, update: 1, delete: 1, remove_account: 3 })
})

it('leaves out what is no NSID, and keeps the rest of its commit', () => {
  const bad = ['', 'a', 'a.b', 'a..c', '*', '(all)', '(other)', 'é.b.c', `a.${'b'.repeat(400)}`]
  const changes = changesOf(commit([...bad.map(collection => op({ collection })), op()]))
  expect(changes).toHaveLength(1)
  expect(stats.badNsids).toBe(bad.length)
})

it('counts what is too large, or has no record, and does not keep it', () => {
  const [large, none] = changesOf(commit([op({ record: Buffer.alloc(21) }), op({ record: null, cid: null })]))
  expect([large, none]).toMatchObject([{ json: null }, { json: null, cid: '' }])
  expect(stats.tooLarge).toBe(2)
})

it('goes by the time of the event', () => {
  expect(timeUsOf({ timeUs: nowMs * 1_000 - 123_456_789 })).toBe(nowMs * 1_000 - 123_456_789)
  expect(timeUsOf({ time: '2026-03-04T04:59:59.999Z' })).toBe(Date.parse('2026-03-04T04:59:59.999Z') * 1_000)
  expect(timeUsOf({ time: '2026-03-01T00:00:00Z' })).toBe(Date.parse('2026-03-01T00:00:00Z') * 1_000)
  expect(timeUsOf({ timeUs: nowMs * 1_000 + 60_000_000 })).toBe(nowMs * 1_000 + 60_000_000)
  expect(stats.badTimes).toBe(0)
})

it('takes times that cannot be, and those of another clock, for now', () => {
  const wrong = [
    { time: '' },
    { time: 'yesterday' },
    { time: '1970-01-01T00:00:00Z' },
    { time: '2026-02-01T00:00:00Z' },
    { time: '9999-01-01T00:00:00Z' },
    { timeUs: nowMs * 1_000 + 3_600_000_000 },
    { timeUs: 0 },
    { timeUs: -1 },
  ]
  for (const at of wrong) expect([at, timeUsOf(at)]).toEqual([at, nowMs * 1_000])
  expect(stats.badTimes).toBe(wrong.length)
})
