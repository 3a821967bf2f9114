import { describe, expect, it } from 'vitest'
import { del, type OpenTestLog, put } from '../test-log.ts'

const seconds = 1_000

/** The delayed stream, on a clock that moves when it is told. Contract, section 7. */
export function delayContract(open: OpenTestLog): void {
  describe('what is held', () => {
    it('comes out after the delay, and not before', async () => {
      await using test = await open()
      await test.append(put('r', 'x'))
      expect(await test.shown('instant')).toEqual(['+r x'])
      test.pass(21 * seconds)
      expect(await test.shown('delayed')).toEqual([])
      test.pass(1)
      expect(await test.shown('delayed')).toEqual(['+r x'])
    })

    it('goes with its record at any time before it is out, also where it is next [BUG 1, BUG 4]', async () => {
      await using test = await open()
      await test.append(put('r', 'x'))
      // Next in line the whole time, on a stream with nothing else.
      for (let i = 0; i < 20; i++) test.pass(seconds)
      test.pass(999)
      await test.append(del('r'))
      test.pass(100 * seconds)
      expect(await test.shown('delayed')).toEqual([])
      expect(await test.shown('instant')).toEqual(['+r x', '-r x'])
    })

    it('is held from the newest version on [BUG 2]', async () => {
      await using test = await open()
      await test.append(put('r', 'x'))
      test.pass(20 * seconds)
      await test.append(put('r', 'x', 'y'))
      test.pass(20 * seconds)
      expect(await test.shown('delayed')).toEqual([])
      test.pass(seconds + 1)
      expect(await test.shown('delayed')).toEqual(['+r x', '+r y'])
    })

    it('is held anew where a record is deleted and made again [BUG 2]', async () => {
      await using test = await open()
      await test.append(put('r', 'x'))
      test.pass(10 * seconds)
      await test.append(del('r'))
      await test.append(put('r', 'x'))
      test.pass(20 * seconds)
      expect(await test.shown('delayed')).toEqual([])
      test.pass(2 * seconds)
      expect(await test.shown('delayed')).toEqual(['+r x'])
    })

    it('is replaced as a whole by a version with fewer links [BUG 3]', async () => {
      await using test = await open()
      await test.append(put('r', 'x', 'y', 'z'))
      test.pass(5 * seconds)
      await test.append(put('r', 'y'))
      test.pass(100 * seconds)
      expect(await test.shown('delayed')).toEqual(['+r y'])
    })

    it('is the last of create, delete and create [BUG 5]', async () => {
      await using test = await open()
      await test.append(put('r', 'x'), del('r'), put('r', 'y'))
      test.pass(100 * seconds)
      expect(await test.shown('delayed')).toEqual(['+r y'])
      expect(await test.shown('instant')).toEqual(['+r x', '-r x', '+r y'])
    })

    it('is nobody’s but its record’s', async () => {
      await using test = await open()
      await test.append(put('r', 'x'), put('s', 'x'))
      test.pass(seconds)
      await test.append(del('r'))
      test.pass(100 * seconds)
      expect(await test.shown('delayed')).toEqual(['+s x'])
    })

    it('is not lost by a restart, nor is what undid it', async () => {
      await using test = await open()
      await test.append(put('r', 'x'), put('s', 'x'))
      test.pass(5 * seconds)
      await test.append(del('r'))
      await test.reopen(5 * seconds)
      expect(await test.shown('delayed')).toEqual([])
      test.pass(11 * seconds + 1)
      expect(await test.shown('delayed')).toEqual(['+s x'])
      await test.append(del('s'))
      await test.reopen(60 * seconds)
      expect(await test.shown('delayed')).toEqual(['+s x', '-s x'])
    })
  })

  it('what was undone while it was held is not in a later replay either', async () => {
    await using test = await open()
    await test.append(put('r', 'x'), put('s', 'x'))
    test.pass(seconds)
    await test.append(del('r'))
    test.pass(30 * seconds)
    // Seals what is old enough.
    await test.append(put('t', 'x'))
    await test.reopen(30 * seconds)
    expect(await test.shown('delayed')).toEqual(['+s x', '+t x'])
    expect(await test.shown('instant')).toEqual(['+r x', '+s x', '-r x', '+t x'])
  })
}
