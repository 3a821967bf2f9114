import type { Figure } from '../../../scripts/bench/figure.ts'
import { createHasher, Sketch } from '../src/index.ts'

/** How fast names are hashed and added, and sketches merged, counted, written and read. */
export async function benchHll(): Promise<Figure[]> {
  const hasher = createHasher(new Uint8Array(16))
  const names = Array.from({ length: 100_000 }, (_, i) => `did:plc:${i.toString(32).padStart(24, 'a')}`)
  const elements = names.map(hasher)
  const filled = (count: number): Sketch => {
    const sketch = new Sketch()
    for (let i = 0; i < count; i++)
      sketch.add(elements[i % elements.length]! + Math.floor(i / elements.length))
    return sketch
  }
  const large = filled(100_000)
  const bytes = large.toBytes()
  const few = filled(1_000).toBytes()
  const into = filled(50_000)
  return [
    { name: 'names/s hashed', figure: perSecond(i => hasher(names[i % names.length]!)) },
    {
      name: 'adds/s to a sketch',
      figure: perSecond(i => into.add(elements[i % elements.length]!)),
      note: 'of many registers',
    },
    { name: 'adds/s with hashing', figure: perSecond(i => into.add(hasher(names[i % names.length]!))) },
    { name: 'merges/s of sketches', figure: perSecond(() => into.merge(large)) },
    { name: 'merges/s from bytes', figure: perSecond(() => into.mergeBytes(bytes)), note: '8.2 kB' },
    {
      name: 'merges/s from bytes, 1,000 accounts',
      figure: perSecond(() => into.mergeBytes(few)),
    },
    {
      name: 'counts/s of what changed',
      figure: perSecond(() => {
        into.merge(large)
        into.count()
      }),
    },
    { name: 'bytes of a sketch of 100,000', figure: bytes.length },
    { name: 'bytes of a sketch of 1,000', figure: few.length },
  ]
}

/** Runs it for half a second, after a tenth to warm up. */
function perSecond(run: (i: number) => unknown): number {
  const until = (ms: number): number => {
    const end = performance.now() + ms
    let runs = 0
    while (performance.now() < end) for (let i = 0; i < 100; i++) run(runs++)
    return runs
  }
  until(100)
  const from = performance.now()
  const runs = until(500)
  return (runs * 1_000) / (performance.now() - from)
}
