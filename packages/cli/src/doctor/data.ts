import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from '../suite/plan.ts'
import { bytesInWords, span } from '../suite/units.ts'
import { fail, type Finding, ok, skip, warn } from './finding.ts'

/** Larger ones are looked through with `--deep` only. */
const largeBytes = 2e9

/** How long one may take, milliseconds: while it is read, its write-ahead log cannot be cut back. */
const patienceMs = 60_000
const deepPatienceMs = 6 * 3_600_000

const program = new URL('./check-database.ts', import.meta.url).pathname

/** Whether the databases of each service are sound. Read only; a service may be writing them all the while. */
export async function checkDatabases({ services }: Plan, deep: boolean): Promise<Finding[]> {
  const findings: Finding[] = []
  // One after the other: the disk has other things to do.
  for (const { name, dataDir } of services) findings.push(await checkService(name, dataDir, deep))
  return findings
}

async function checkService(name: string, dataDir: string, deep: boolean): Promise<Finding> {
  const what = `databases of ${name}`
  const files = databasesIn(dataDir)
  if (files.length === 0) return skip(what, `none in ${dataDir} yet`)
  const small = deep ? files : files.filter(({ bytes }) => bytes <= largeBytes)
  const problems: string[] = []
  const unread: string[] = []
  for (const { path } of small) {
    const answer = await check(path, deep ? deepPatienceMs : patienceMs)
    if (answer === undefined) unread.push(path)
    else problems.push(...answer.slice(0, 3).map(problem => `${path}: ${problem}`))
  }
  if (problems.length > 0) {
    return fail(
      what,
      problems.join('; '),
      `stop ${name}, keep a copy of ${dataDir}, and restore a backup (docs/backup.md); without one, remove the folder: what upstream still has comes again`,
    )
  }
  const left = files.length - small.length + unread.length
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const found = `${files.length} with ${bytesInWords(bytes)}, sound`
  if (left === 0) return ok(what, found)
  return warn(
    what,
    `${files.length} with ${bytesInWords(bytes)}; ${left} not looked through, being larger than ${bytesInWords(largeBytes)} or taking longer than ${span(patienceMs)}`,
    'orrery doctor --deep looks through all, in a quiet hour',
  )
}

const magic = 'SQLite format 3\0'

/** Files that are SQLite's, whatever their name; not the lock that a running service holds. */
function databasesIn(folder: string): { path: string; bytes: number }[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && entry.name !== 'lock.sqlite')
      .map(entry => join(entry.parentPath, entry.name))
      .filter(isDatabase)
      .map(path => ({ path, bytes: statSync(path).size }))
  } catch {
    return []
  }
}

function isDatabase(path: string): boolean {
  try {
    const handle = openSync(path, 'r')
    try {
      const head = Buffer.alloc(magic.length)
      readSync(handle, head, 0, head.length, 0)
      // What was a database is one by its name, whatever its beginning has become.
      return head.toString('latin1') === magic || path.endsWith('.sqlite')
    } finally {
      closeSync(handle)
    }
  } catch {
    return false
  }
}

/** What is wrong with a database; undefined where that took too long. */
async function check(path: string, timeoutMs: number): Promise<string[] | undefined> {
  const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  let said = ''
  let complaint = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  await new Promise(resolve => {
    child.once('error', resolve)
    child.once('close', resolve)
  })
  clearTimeout(timer)
  if (said === '')
    return child.signalCode === 'SIGKILL' ? undefined : [`it could not be checked: ${complaint.slice(-300)}`]
  const { problems, error } = JSON.parse(said) as { problems?: string[]; error?: string }
  return problems ?? [error ?? 'it could not be checked']
}
