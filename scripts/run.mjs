// What `npm start`, `npm test`, … run. Plain JavaScript for any Node >= 20: it installs what the command needs, then
// hands over to the pinned Node. Later runs see the stamp that the install left and go straight on.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules/.bin')
const pnpm = 'pnpm@12.21.0'
const stampFile = join(root, 'node_modules/.orrery-setup.json')

/** Each command: what must be installed (`run` = only what runs, `dev` = also tools and test partners), and its steps. */
const commands = {
  start: { needs: 'run', steps: [['orrery', 'up']] },
  demo: { needs: 'dev', steps: [['orrery', 'demo']] },
  test: { needs: 'dev', steps: [['vitest', 'run', '--project', 'short', '--project', 'timed']] },
  'test:long': { needs: 'dev', steps: [['vitest', 'run', '--project', 'long']] },
  check: {
    needs: 'dev',
    steps: [
      ['tsc', '--noEmit', '-p', 'tsconfig.json'],
      ['oxlint', '--type-aware', '--deny-warnings'],
      ['oxfmt', '--check'],
      ['node', 'scripts/check-layers.ts'],
    ],
  },
  format: { needs: 'dev', steps: [['oxfmt']] },
  bench: { needs: 'dev', steps: [['node', 'scripts/bench.ts']] },
}

const [name, ...extra] = process.argv.slice(2)
const command = commands[name]
if (!command) fail(`unknown command "${name}"; there are: ${Object.keys(commands).join(', ')}`)

setUp(command.needs)
for (const [i, [tool, ...args]] of command.steps.entries()) {
  const last = i === command.steps.length - 1
  if (command.steps.length > 1) console.error(`\x1b[2m› ${tool} ${args.join(' ')}\x1b[0m`)
  const status = await run(tool, last ? [...args, ...extra] : args)
  if (status !== 0) process.exit(status)
}

/** Runs one tool of the workspace on the pinned Node, passing signals on, and answers its exit status. */
function run(tool, args) {
  const child = spawn(join(bin, tool), args, {
    cwd: root,
    stdio: 'inherit',
    env: {
      // Saves a service a third of the time that it takes to start.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
    },
  })
  // Ctrl-C reaches the child by itself, through the terminal; we only must not die before it.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise(resolve => {
    child.on('error', error => fail(`${tool} cannot be run: ${error.message}`))
    child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)))
  })
}

/** Installs once for this lockfile and level. A `dev` install also serves `run`. */
function setUp(needs) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex')
  const done = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {}
  if (done.lock === lock && (done.level === 'dev' || done.level === needs)) return

  // A `run` install must not throw away the tools that an earlier `dev` install brought.
  const level = done.level === 'dev' ? 'dev' : needs
  const what =
    level === 'run' ? 'what running needs (a few seconds)' : 'tools and test partners too (about a minute)'
  console.error(`Setting up: installing ${what}, with ${pnpm} …`)
  const started = Date.now()
  const args = ['--yes', pnpm, 'install', '--frozen-lockfile', ...(level === 'run' ? ['--prod'] : [])]
  const { status, error } = spawnSync('npx', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) {
    fail(
      `the install failed${error ? ` (${error.message})` : ''}; is the npm registry reachable? Then run it again.`,
    )
  }
  checkNode()
  writeFileSync(stampFile, JSON.stringify({ lock, level }))
  console.error(`Set up in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`)
}

/** Node's own builds need a library that a minimal Debian or Ubuntu does not have. */
function checkNode() {
  const { status, stderr } = spawnSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' })
  if (status === 0) return
  const remedy = /libatomic/.test(stderr ?? '') ? '\nIt is there after: apt-get install libatomic1' : ''
  fail(`the Node that was installed does not start: ${(stderr ?? '').trim()}${remedy}`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
