// `npm run bench`: runs the bench modules of all packages and services and says what was reached. Names choose some of
// them, `--list` tells which there are, `--json <file>` writes the figures down, `--links <n>` makes the index of `backlinks`
// larger than the million that fits among the others.
import { fork } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Figure } from './bench/figure.ts'
import { report } from './bench/report.ts'
import { isReached, targetOf } from './bench/targets.ts'

interface Bench {
  name: string
  file: string
  /** The function that the module exports. */
  run: string
}

const root = join(import.meta.dirname, '..')

// As `npm start` has it: threads load faster and smaller.
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules/.cache/node')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    links: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})
if (values.links !== undefined) process.env['ORRERY_BENCH_LINKS'] = values.links
const benches = findBenches()
const chosen = positionals.length === 0 ? benches : positionals.map(choose)

if (values.list) {
  for (const { name, file } of benches) console.log(`${name.padEnd(12)} ${file}`)
} else await main()

async function main(): Promise<void> {
  const startedAt = Date.now()
  const figures: (Figure & { bench: string })[] = []
  const failed: string[] = []
  for (const bench of chosen) {
    process.stderr.write(`› ${bench.name} …\n`)
    const since = Date.now()
    try {
      const some = await runApart(bench)
      figures.push(...some.map(figure => ({ bench: bench.name, ...figure })))
      const seconds = Math.round((Date.now() - since) / 1000)
      console.log(
        `\n${bench.name} (${seconds} s)\n${some.length === 0 ? 'needs ../shared/data' : report(some)}\n`,
      )
    } catch (error) {
      failed.push(bench.name)
      console.log(`\n${bench.name}\nfailed: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  const judged = figures.filter(figure => isReached(figure) !== undefined)
  const reached = judged.filter(figure => isReached(figure)).length
  console.log(
    `${reached} of ${judged.length} targets reached in ${Math.round((Date.now() - startedAt) / 1000)} s, on ${machine()}.`,
  )
  if (values.json !== undefined) {
    const judgedFigures = figures.map(figure =>
      Object.assign(figure, { target: targetOf(figure), reached: isReached(figure) }),
    )
    const results = { date: new Date().toISOString(), machine: machine(), failed, figures: judgedFigures }
    writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
  }
  if (failed.length > 0) process.exitCode = 1
}

/** Every module in a `bench` folder that exports an async function `bench…`. */
function findBenches(): Bench[] {
  return globSync('{packages,services}/*/bench/*.ts', { cwd: root })
    .toSorted()
    .flatMap(file => {
      const run = /^export async function (bench\w+)\(/m.exec(readFileSync(join(root, file), 'utf8'))?.[1]
      return run === undefined ? [] : [{ name: basename(file, '.ts'), file, run }]
    })
}

function choose(name: string): Bench {
  const bench = benches.find(each => each.name === name)
  if (!bench) {
    console.error(`there is no bench "${name}"; there are: ${benches.map(each => each.name).join(', ')}`)
    process.exit(2)
  }
  return bench
}

function runApart({ file, run }: Bench): Promise<Figure[]> {
  const child = fork(join(root, 'scripts/bench/run-one.ts'), [join(root, file), run])
  return new Promise((resolve, reject) => {
    child.once('message', figures => resolve(figures as Figure[]))
    child.once('exit', code => reject(new Error(`it ended with status ${code}; its output is above`)))
  })
}

function machine(): string {
  const [first] = cpus()
  const gigabytes = Math.round(totalmem() / 1024 ** 3)
  return `${cpus().length} × ${first?.model ?? 'unknown'}, ${gigabytes} GB, Node ${process.versions.node}`
}
