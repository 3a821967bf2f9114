import { stripVTControlCharacters } from 'node:util'
import type { FirehoseEvent } from '@orrery/firehose'
import { describe, expect, it } from 'vitest'
import { RateLine } from './rate-line.ts'

function commit(collection: string, createdAt?: string): FirehoseEvent {
  const record = createdAt === undefined ? null : Buffer.from(JSON.stringify({ createdAt }))
  const op = { action: 'create', collection, rkey: 'a', cid: null, record } as const
  const base = { did: 'did:plc:a', time: '', seq: 1, source: '', timeUs: 1, rev: '', verified: false }
  return { kind: 'commit', ops: [op], ...base }
}

describe('RateLine', () => {
  it('tells of the time since the last line: rates, delay, shares', () => {
    let now = Date.UTC(2026, 0, 1)
    let sent = 0
    const line = new RateLine(
      () => sent,
      () => now,
    )
    const next = (): string => stripVTControlCharacters(line.next())
    for (let i = 0; i < 30; i++) line.count(commit('app.bsky.feed.like', new Date(now - 7).toISOString()))
    for (let i = 0; i < 10; i++) line.count(commit('app.bsky.feed.post'))
    line.count({
      kind: 'identity',
      did: 'did:plc:a',
      time: '',
      seq: 1,
      source: '',
      timeUs: 1,
      handle: 'a.test',
    })
    sent = 3_000
    now += 2_000
    expect(next()).toBe(
      '00:00:02   in 1,500/s   out 20/s   7 ms later   likes 75 %  posts 25 %  reposts 0 %  follows 0 %   40 in all',
    )
    now += 1_000
    expect(next()).toBe(
      '00:00:03   in 0/s   out 0/s   likes 0 %  posts 0 %  reposts 0 %  follows 0 %   40 in all',
    )
  })
})
