// One bench in a process of its own, so that none leaves its heap, or what the compiler learned, to the next.
import { pathToFileURL } from 'node:url'
import type { Figure } from './figure.ts'

const [file, name] = process.argv.slice(2) as [string, string]
const module = (await import(pathToFileURL(file).href)) as Record<
  string,
  (() => Promise<Figure[]>) | undefined
>
const bench = module[name]
if (!bench || !process.send) throw new Error('scripts/bench.ts starts this, with a file and a function of it')
process.send(await bench())
process.disconnect?.()
