import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProcess } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { filesOf, StoreSet } from '../src/store-set.ts'
import type { PairApi } from './pair-process.ts'

it('files that are written one after the other are seen at one instant', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-pair-'))
  {
    await using writer = startProcess<PairApi>(new URL('./pair-process.ts', import.meta.url))
    await writer.call('run', folder)
    using set = new StoreSet(folder)
    const seen = new Set<number>()
    // Until the writer, which a busy machine may keep waiting, has written now and then.
    for (let i = 0; i < 150 || (seen.size <= 10 && i < 20_000); i++) {
      const { files } = await set.hold()
      const [a, b] = ['a', 'b'].map(name =>
        Number(files.get(`${name}.sqlite`)!.db.prepare('SELECT n FROM one').pluck().get()),
      ) as [number, number]
      expect([0, 1]).toContain(a - b)
      seen.add(a)
      set.release()
      if (i % 10 === 0) await sleep(1)
    }
    expect(seen.size).toBeGreaterThan(10)
  }
  rmSync(folder, { recursive: true })
}, 60_000)

it('locks and caches of what others said are no part of a store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-files-'))
  for (const name of ['lock', 'identity', 'handles', 'links', 'state']) {
    writeFileSync(join(folder, `${name}.sqlite`), '')
    writeFileSync(join(folder, `${name}.sqlite-wal`), '')
  }
  expect(filesOf(folder)).toEqual(['links.sqlite', 'state.sqlite'])
  rmSync(folder, { recursive: true })
})
