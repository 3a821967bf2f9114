import { describe, expect, it } from 'vitest'
import type { Change } from '../../store.ts'
import { tidParts } from '../../store/tid.ts'
import { author, del, type OpenTestLog, put } from '../test-log.ts'

const seconds = 1_000

/** What versions of records, and deletions of accounts, come to in both streams. */
export function changesContract(open: OpenTestLog): void {
  describe('what is out', () => {
    it('is told as gone when its record is deleted, after the delay', async () => {
      await using test = await open()
      await test.append(put('r', 'x', 'y'))
      test.pass(30 * seconds)
      await test.append(del('r'))
      test.pass(seconds)
      expect(await test.shown('instant')).toEqual(['+r x', '+r y', '-r x', '-r y'])
      expect(await test.shown('delayed')).toEqual(['+r x', '+r y'])
      test.pass(30 * seconds)
      expect(await test.shown('delayed')).toEqual(['+r x', '+r y', '-r x', '-r y'])
    })

    it('changes by what went and what came', async () => {
      await using test = await open()
      await test.append(put('r', 'x', 'y'))
      test.pass(30 * seconds)
      await test.append(put('r', 'y', 'z'))
      test.pass(30 * seconds)
      const wanted = ['+r x', '+r y', '-r x', '=r y', '+r z']
      expect(await test.shown('instant')).toEqual(wanted)
      expect(await test.shown('delayed')).toEqual(wanted)
    })

    it('is compared with what was out, not with what was held in between', async () => {
      await using test = await open()
      await test.append(put('r', 'x'))
      test.pass(30 * seconds)
      await test.append(put('r', 'y'))
      test.pass(seconds)
      await test.append(put('r', 'x'))
      test.pass(30 * seconds)
      expect(await test.shown('instant')).toEqual(['+r x', '-r x', '+r y', '-r y', '+r x'])
      expect(await test.shown('delayed')).toEqual(['+r x', '=r x'])
    })

    it('does not come again when a record is deleted and made again at once', async () => {
      await using test = await open()
      await test.append(put('r', 'x', 'y'))
      test.pass(30 * seconds)
      await test.append(del('r'))
      test.pass(seconds)
      await test.append(put('r', 'x', 'z'))
      test.pass(30 * seconds)
      expect(await test.shown('delayed')).toEqual(['+r x', '+r y', '-r y', '=r x', '+r z'])
    })
  })

  it('a link that is in a record twice is told twice and is one change', async () => {
    await using test = await open()
    await test.append(put('r', 'x', 'x'))
    await test.append(del('r'))
    expect(await test.shown('instant')).toEqual(['+r x', '=r x', '-r x'])
  })

  it('the same version once more is again what it was, and no change', async () => {
    await using test = await open()
    await test.append(put('r', 'x', 'y'))
    test.pass(30 * seconds)
    await test.append(put('r', 'x', 'y'))
    test.pass(30 * seconds)
    for (const stream of ['instant', 'delayed'] as const)
      expect(await test.shown(stream)).toEqual(['+r x', '+r y', '=r x', '=r y'])
  })

  it('an entry says what it is of, and where the link stands', async () => {
    await using test = await open()
    const links = [
      { path: '.a[].b', target: 'at://did:plc:x/a.b.c/d' },
      { path: '', target: 'https://example.com/' },
    ]
    const key = { did: author, collection: 'com.example.thing', rkey: '3lv4ouczo2b2a' }
    await test.append({ kind: 'put', ...key, rev: '3lv4oucxyz22k', links })
    await test.append({ kind: 'delete', ...key, rev: '3lv4oucxyz23k' })
    const told = (await test.read('instant')).map(({ operation, source, did, rkey, rev, subject }) =>
      [operation, source, did, rkey, rev, subject].join(' '),
    )
    const of = (operation: string, rev: string): string[] => [
      `${operation} com.example.thing:a[].b ${author} ${key.rkey} ${rev} at://did:plc:x/a.b.c/d`,
      `${operation} com.example.thing: ${author} ${key.rkey} ${rev} https://example.com/`,
    ]
    expect(told).toEqual([...of('create', '3lv4oucxyz22k'), ...of('delete', '3lv4oucxyz23k')])
  })

  it('a deletion of what is not known is nothing', async () => {
    await using test = await open()
    expect(await test.append(del('r'), put('s', 'x'))).toEqual({ entries: 1, undone: 0, isMoreLeft: false })
    expect(await test.append(del('r'), del('s'))).toEqual({ entries: 1, undone: 1, isMoreLeft: false })
    expect(await test.append(del('s'))).toEqual({ entries: 0, undone: 1, isMoreLeft: false })
  })

  it('all links of a deleted account are told as gone, and those of a new record later are not', async () => {
    await using test = await open()
    const keys = Array.from({ length: 2_500 }, (_, i) => `r${i}`)
    await test.append(...keys.map(key => put(key, 'x')))
    test.pass(30 * seconds)
    const { did } = put('r', 'x')
    await test.append({ kind: 'delete_account', did })
    await test.append(put('new', 'x'))
    // A step with each append.
    await test.append()
    test.pass(30 * seconds)
    const gone = (await test.shown('delayed')).filter(text => text.startsWith('-'))
    expect(gone.toSorted()).toEqual(keys.map(key => `-${key} x`).toSorted())
    expect(await test.shown('instant')).toContain('+new x')
  })

  it('of a deleted account nobody else’s links go, and what it links to from then on stays', async () => {
    await using test = await open()
    const of = (did: string, rkey: string): Change => ({ ...put(rkey, 'x'), did })
    await test.append(of('did:plc:one', 'a'), of('did:plc:two', 'b'), of('did:plc:one', 'c'))
    await test.reopen()
    await test.append(
      of('did:plc:one', 'd'),
      del('nothing'),
      { kind: 'delete_account', did: 'did:plc:one' },
      of('did:plc:one', 'e'),
    )
    await test.reopen()
    await test.append({ kind: 'delete_account', did: 'did:plc:three' }, of('did:plc:one', 'c'))
    expect(await test.shown('instant')).toEqual([
      '+a x',
      '+b x',
      '+c x',
      '+d x',
      '+e x',
      '-a x',
      '-c x',
      '-d x',
      '+c x',
    ])
    // Such a deletion has no rev.
    const gone = (await test.read('instant')).filter(({ operation }) => operation === 'delete')
    for (const { rev, timeUs } of gone) expect(tidParts(rev)).toEqual({ us: timeUs, clock: 0 })
  })
}
