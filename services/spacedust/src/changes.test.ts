import type { FirehoseEvent } from '@orrery/firehose'
import { formatSource } from '@orrery/links'
import { describe, expect, it } from 'vitest'
import { createChangeMaker, zeroChangeStats } from './changes.ts'

const base = { did: 'did:plc:a', time: '', seq: 0, source: '', timeUs: undefined }

function commit(action: 'create' | 'update' | 'delete', record: unknown): FirehoseEvent {
  const bytes = record === null ? null : Buffer.from(JSON.stringify(record))
  const op = { action, collection: 'com.example.thing', rkey: 'k', cid: null, record: bytes }
  return { kind: 'commit', ...base, rev: 'r', verified: true, ops: [op] }
}

function sourcesOf(record: unknown): string[] {
  const [change] = createChangeMaker(zeroChangeStats())(commit('create', record))
  return change?.kind === 'put' ? change.links.map(({ path }) => formatSource('com.example.thing', path)) : []
}

describe('sources, as the contract has them', () => {
  const mention = { $type: 'app.bsky.richtext.facet#mention', did: 'did:plc:x' }
  it.each<[unknown, string[]]>([
    [{ subject: 'did:plc:x' }, ['subject']],
    [{ subject: { uri: 'at://did:plc:x/a.b.c/d' } }, ['subject.uri']],
    [{ uris: ['at://did:plc:x', 'at://did:plc:y'] }, ['uris[]', 'uris[]']],
    [{ facets: [{ features: [mention] }] }, ['facets[].features[app.bsky.richtext.facet#mention].did']],
    [
      { facets: [{ $type: 'app.bsky.richtext.facet', features: [mention] }] },
      ['facets[app.bsky.richtext.facet].features[app.bsky.richtext.facet#mention].did'],
    ],
    [{ a: [['did:plc:x']] }, ['a[][]']],
    // Document order, a defect of the reference.
    [{ b: 'did:plc:x', a: 'did:plc:y', c: ['did:plc:z'] }, ['a', 'b', 'c[]']],
    [{ text: 'see did:plc:x', at: '2026-01-01T00:00:00Z', blob: { $link: 'bafy' } }, []],
  ])('%j', (record, paths) => {
    expect(sourcesOf(record)).toEqual(paths.map(path => `com.example.thing:${path}`))
  })
})

it('counts links beyond a thousand in a record, of which the first are kept', () => {
  const stats = zeroChangeStats()
  const many = Array.from({ length: 1_005 }, (_, i) => `did:plc:${i}`)
  const [change] = createChangeMaker(stats)(commit('create', { many }))
  expect(change?.kind === 'put' && change.links.map(({ target }) => target)).toEqual(many.slice(0, 1_000))
  expect(stats.linksDropped).toBe(5)
})

it('takes deletions, of links too, and of accounts; other statuses and identities are none', () => {
  const changesOf = createChangeMaker(zeroChangeStats())
  const key = { did: 'did:plc:a', collection: 'com.example.thing', rkey: 'k', rev: 'r' }
  expect(changesOf(commit('delete', null))).toEqual([{ kind: 'delete', ...key }])
  expect(changesOf(commit('update', { text: 'no links' }))).toEqual([{ kind: 'delete', ...key }])
  expect(changesOf(commit('create', { text: 'no links' }))).toEqual([])
  const account = { kind: 'account', ...base } as const
  expect(changesOf({ ...account, active: false, status: 'deleted' })).toEqual([
    { kind: 'delete_account', did: 'did:plc:a' },
  ])
  expect(changesOf({ ...account, active: false, status: 'takendown' })).toEqual([])
  expect(changesOf({ ...account, active: true, status: undefined })).toEqual([])
  expect(changesOf({ kind: 'identity', ...base, handle: undefined })).toEqual([])
})
