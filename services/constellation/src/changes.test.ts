import type { AccountEvent, CommitEvent, FirehoseEvent, RecordOp } from '@orrery/firehose'
import { describe, expect, it } from 'vitest'
import { createChangeMaker, zeroChangeStats } from './changes.ts'
import { chooseCollections } from './collections.ts'

const did = 'did:plc:z72i7hdynmk6r22z27h6tvur'
const rev = '3l6oveex3ii2l'
const base = { did, time: '', seq: 1, source: 'test', timeUs: undefined }
const post = 'at://did:plc:a/app.bsky.feed.post/3k'
const likes = 'app.bsky.feed.like'

function op(action: RecordOp['action'], record?: unknown, collection = likes): RecordOp {
  const bytes =
    record === undefined ? null : Buffer.from(typeof record === 'string' ? record : JSON.stringify(record))
  return { action, collection, rkey: '3k', cid: null, record: bytes }
}
const commit = (...ops: RecordOp[]): CommitEvent => ({ ...base, kind: 'commit', rev, ops, verified: true })
const account = (active: boolean, status?: string): AccountEvent => ({
  ...base,
  kind: 'account',
  active,
  status,
})

function changesOf(event: FirehoseEvent, skipped: string[] = []) {
  const stats = zeroChangeStats()
  const changes = createChangeMaker({ wants: chooseCollections([], skipped), stats })(event)
  return { changes, stats }
}

const record = { did, collection: likes, rkey: '3k' }
const like = { subject: { uri: post } }
const links = [{ path: '.subject.uri', target: post }]

const cases: (readonly [what: string, event: FirehoseEvent, changes: readonly object[]])[] = [
  ['a create', commit(op('create', like)), [{ kind: 'put', record, rev, links }]],
  ['an update', commit(op('update', like)), [{ kind: 'put', record, rev, links }]],
  ['a create without links', commit(op('create', { text: 'x' })), []],
  [
    'an update without links takes the old ones away',
    commit(op('update', {})),
    [{ kind: 'delete', record, rev }],
  ],
  ['an update that is no JSON does too', commit(op('update', 'x')), [{ kind: 'delete', record, rev }]],
  ['a delete', commit(op('delete')), [{ kind: 'delete', record, rev }]],
  [
    'several operations, in their order',
    commit(op('delete'), op('create', like)),
    [
      { kind: 'delete', record, rev },
      { kind: 'put', record, rev, links },
    ],
  ],
  [
    'a link twice',
    commit(op('create', { subject: [post, post] })),
    [
      {
        kind: 'put',
        record,
        rev,
        links: Array.from({ length: 2 }, () => ({ path: '.subject[]', target: post })),
      },
    ],
  ],
  ['a deactivation', account(false, 'deactivated'), [{ kind: 'account', did, active: false }]],
  // The first server leaves the links of these in view.
  ...['takendown', 'suspended', 'desynchronized', 'throttled', 'anything', undefined].map(
    status =>
      [
        `an account that is ${status}`,
        account(false, status),
        [{ kind: 'account', did, active: false }],
      ] as const,
  ),
  ['a reactivation', account(true), [{ kind: 'account', did, active: true }]],
  // And ignores these.
  [
    'an active account with a status',
    account(true, 'desynchronized'),
    [{ kind: 'account', did, active: true }],
  ],
  [
    'an active account that is called deleted',
    account(true, 'deleted'),
    [{ kind: 'account', did, active: true }],
  ],
  ['a deletion', account(false, 'deleted'), [{ kind: 'delete_account', did }]],
  ['a change of handle', { ...base, kind: 'identity', handle: 'a.example' }, []],
  ['a sync', { ...base, kind: 'sync', rev }, []],
]

describe('what an event changes', () => {
  it.each(cases)('%s', (_what, event, expected) => {
    expect(changesOf(event).changes).toMatchObject(expected)
  })

  it('leaves out collections that are not indexed, deletes too', () => {
    const ops = [op('create', like), op('delete'), op('create', like, 'app.bsky.feed.repost')]
    const { changes, stats } = changesOf(commit(...ops), [likes])
    expect(changes).toMatchObject([{ record: { collection: 'app.bsky.feed.repost' } }])
    expect(stats).toMatchObject({ skipped: 2, links: 1, changes: { put: 1, delete: 0 } })
  })

  it('counts what it does, and the links that are too many or too long', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `a:${i}`)
    const { changes, stats } = changesOf(
      commit(
        op('create', { many }),
        op('create', { long: `a:${'x'.repeat(10_000)}` }),
        op('create', { text: 'x' }),
      ),
    )
    expect(changes).toHaveLength(1)
    expect(stats.withoutLinks).toBe(2)
    expect(stats.links).toBeGreaterThan(0)
    expect(stats.links + stats.linksDropped).toBe(20_001)
  })
})
