import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { startFakeRelay, waitFor } from '@orrery/testnet'
import { expect, it } from 'vitest'
import { startTestConstellation } from './harness.ts'
import { importRounds } from './import-rounds.ts'

it('a recording is taken in whole, plain or compressed, damaged lines counted, and again from where it was killed', async () => {
  const { written, told, plain, compressed, killed, killedAt, again } = await importRounds({
    lines: 30_000,
    kills: 1,
    seed: 3,
  })
  expect(written.bad).toBeGreaterThan(50)
  expect(told).toEqual([written, written])
  expect(plain.totals.links).toBeGreaterThan(20_000)
  expect(plain.totals.links).toBe(plain.recounted.links)
  expect(compressed).toEqual(plain)
  expect(killedAt[0]).toBeLessThan(written.lines)
  expect(killed).toEqual(plain)
  expect(again).toEqual(plain)
}, 120_000)

it('a file that cannot be read stops the service with the line that it came to', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'constellation-import-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const relay = stack.use(await startFakeRelay())
  const event = JSON.stringify({
    did: 'did:plc:a',
    time_us: 1_780_000_000_000_000,
    kind: 'identity',
    identity: {},
  })
  const whole = zstdCompressSync(Buffer.from(`${event}\n`.repeat(10)))
  const cut = join(folder, 'cut.jsonl.zst')
  await writeFile(cut, whole.subarray(0, -4))
  const broken = join(folder, 'broken.jsonl.zst')
  await writeFile(broken, Buffer.concat([whole, Buffer.from('damage'), whole]))
  const notZstd = join(folder, 'none.jsonl.zst')
  await writeFile(notZstd, `${event}\n`)
  for (const [file, message] of [
    [cut, `cannot read ${cut} beyond line `],
    [broken, `cannot read ${broken} beyond line 10: no zstd behind its byte ${whole.length}`],
    [notZstd, `cannot read ${notZstd} beyond line 0: `],
    [join(folder, 'nowhere.jsonl'), 'no such file'],
  ] as const) {
    await using own = await startTestConstellation({ source: relay.url, verify: 'off', import: file })
    await waitFor(() => own.failures.length > 0)
    expect(String(own.failures[0])).toContain(message)
  }
})
