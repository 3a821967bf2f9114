import { createServer, type Server } from 'node:http'
import { mkdirSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { ask } from '../suite/ask.ts'
import type { SuiteState } from '../suite/state.ts'

/** As long as a socket's path may be on all systems, bytes. */
const maxPath = 100

/** The supervisor's socket in a data folder: the shorter of its two names; undefined where both are too long. */
export function socketOf(dataDir: string): string | undefined {
  const whole = resolve(dataDir, 'up.sock')
  const short = relative(process.cwd(), join(whole))
  return [whole, short]
    .filter(path => Buffer.byteLength(path) <= maxPath)
    .toSorted((a, b) => a.length - b.length)[0]
}

/** What the supervisor of a data folder says; undefined where none runs there. */
export async function askSupervisor(dataDir: string): Promise<SuiteState | undefined> {
  const socketPath = socketOf(dataDir)
  if (socketPath === undefined) return undefined
  try {
    return JSON.parse(await ask({ socketPath, path: '/' }, { timeoutMs: 2_000 })) as SuiteState
  } catch {
    return undefined
  }
}

/**
 * Serves the suite's state on the socket of its data folder, for this machine's users of that folder. Disposing ends it.
 *
 * @throws (rejects) Node's error where the socket cannot be made
 */
export async function serveState(dataDir: string, state: () => SuiteState): Promise<AsyncDisposable> {
  const path = socketOf(dataDir)
  if (path === undefined) throw new Error(`the path of ${dataDir} is too long for a socket`)
  mkdirSync(dataDir, { recursive: true })
  // One that a killed supervisor left.
  rmSync(path, { force: true })
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(state()))
  })
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(path, done)
  })
  server.unref()
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
      rmSync(path, { force: true })
    },
  }
}
