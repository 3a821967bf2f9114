import { stripVTControlCharacters } from 'node:util'
import type { CommitEvent } from '@orrery/firehose'
import { describe, expect, it } from 'vitest'
import { eventLines } from './event-line.ts'

function line(parts: Partial<CommitEvent>): string {
  const record = Buffer.from(JSON.stringify({ text: 'hello\nthere' }))
  const event: CommitEvent = {
    kind: 'commit',
    did: 'did:plc:a',
    rev: '',
    ops: [{ action: 'create', collection: 'app.bsky.feed.post', rkey: 'k', cid: null, record }],
    verified: false,
    seq: 1,
    time: '2026-01-01T10:11:12.345Z',
    source: 'wss://relay.test',
    timeUs: undefined,
    ...parts,
  }
  return stripVTControlCharacters(eventLines(event, () => 'alice').join('\n'))
}

describe('eventLines', () => {
  it('marks what was verified here, and what was not', () => {
    const start = '10:11:12.345  alice             + app.bsky.feed.post k '
    expect(line({ verified: true })).toBe(`${start}✓ hello there`)
    expect(line({ verified: false })).toBe(`${start}· hello there`)
  })

  it('marks nothing of a Jetstream, which is taken at its word', () => {
    expect(line({ timeUs: 1_767_262_272_345_678, time: '' })).toBe(
      '10:11:12.345  alice             + app.bsky.feed.post k hello there',
    )
  })
})
