import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { pagesPerChunk } from './chunk.ts'
import { Gatherer } from './gatherer.ts'
import { Ledger } from './ledger.ts'
import { readPageMap, writePageMap } from './page-map.ts'

const pageSize = 4096

/** A file of a kind: pages by their number. */
function page(kind: number): Buffer {
  return Buffer.alloc(pageSize, kind)
}

const courses = fc.array(
  fc.record({
    pages: fc.integer({ min: 1, max: 600 }),
    changes: fc.array(fc.tuple(fc.nat(299), fc.nat(255)), { maxLength: 80 }),
  }),
  { minLength: 1, maxLength: 12 },
)

it('whatever changes from one snapshot to the next, each map leads to its own pages, and what is kept is bounded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-ledger-'))
  await fc.assert(
    fc.asyncProperty(courses, async course => {
      const path = join(folder, `${Math.random()}`)
      const chunks = new Map<string, Buffer>()
      const file: number[] = []
      for (const { pages, changes } of course) {
        while (file.length < pages) file.push(file.length % 251)
        file.length = pages
        for (const [at, kind] of changes) if (at < pages) file[at] = kind
        const ledger = Ledger.load(path, pageSize)
        ledger.prune(chunk => chunks.has(chunk), 1)
        const gatherer = new Gatherer(
          ledger,
          async (chunk, plain) => void chunks.set(chunk, Buffer.from(plain)),
        )
        await gatherer.take(0, Buffer.concat(file.map(page)))
        await gatherer.flush()
        const map = ledger.finish(pages)
        ledger.save(path)

        const read = readPageMap(writePageMap(map), pages, pagesPerChunk(pageSize))
        expect(read).toEqual(map)
        const found: Buffer[] = []
        for (let i = 0; i < read.runs.length; i += 3) {
          const plain = chunks.get(read.chunks[read.runs[i]!]!)!
          const from = read.runs[i + 1]! * pageSize
          found.push(plain.subarray(from, from + read.runs[i + 2]! * pageSize))
        }
        expect(hash('sha256', Buffer.concat(found))).toBe(hash('sha256', Buffer.concat(file.map(page))))
        // At most half of what a snapshot refers to is of the past, and the one chunk that was not full.
        const used = read.chunks.reduce((sum, chunk) => sum + chunks.get(chunk)!.length / pageSize, 0)
        expect(used).toBeLessThanOrEqual(2 * pages + pagesPerChunk(pageSize) * course.length)
        // Some chunk is lost; its pages are put again.
        chunks.delete(read.chunks[0]!)
        file[0] = file[0]!
      }
    }),
    { numRuns: 60 },
  )
  rmSync(folder, { recursive: true })
}, 60_000)

it('a file of it that is damaged, or of another page size, is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-ledger-'))
  const path = join(folder, 'a')
  const ledger = new Ledger(pageSize)
  const gatherer = new Gatherer(ledger, async () => {})
  await gatherer.take(0, Buffer.concat(Array.from({ length: 64 }, (_, i) => page(i))))
  await gatherer.flush()
  ledger.save(path)
  expect(Ledger.load(path, pageSize).pages).toBe(64)
  expect(Ledger.load(path, 8192).pages).toBe(0)
  const bytes = readFileSync(path)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(path, bytes)
  expect(Ledger.load(path, pageSize).pages).toBe(0)
  writeFileSync(path, 'nonsense')
  expect(Ledger.load(path, pageSize).pages).toBe(0)
  rmSync(folder, { recursive: true })
})
