import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Address, Plan } from '../suite/plan.ts'
import { variableOf } from '../suite/variables.ts'

/** An address that a service is to listen on. */
export interface WantedPort {
  service: string
  address: Address
  /** The variable that sets it, `JETSTREAM_LISTEN`. */
  variable: string
}

/** Every address that the suite listens on; those with port 0 find one by themselves. */
export function wantedPorts({ services }: Pick<Plan, 'services'>): WantedPort[] {
  return services
    .flatMap(({ name, listen, metricsListen }) => [
      { service: name, address: listen, variable: variableOf(name, 'listen') },
      { service: name, address: metricsListen, variable: variableOf(name, 'metricsListen') },
    ])
    .filter(({ address }) => address.port !== 0)
}

/** Why nobody could listen there now, in words with what to do about it; undefined where one could. */
export async function portProblem({ service, address, variable }: WantedPort): Promise<string | undefined> {
  const { host, port } = address
  const code = await tryListen(address)
  if (code === undefined) return undefined
  const another = `set ${variable} to another host:port`
  if (code === 'EADDRINUSE') {
    const user = userOf(port)
    const who = user === undefined ? 'another program' : `process ${user.pid} (${user.command})`
    return `port ${port}, for ${service}, is in use by ${who}: stop that, or ${another}`
  }
  if (code === 'EACCES')
    return `port ${port}, for ${service}, may not be used by this user: ${another} above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `this machine has no address ${host}, for ${service}: ${another}`
  return `nothing can listen on ${host}:${port}, for ${service} (${code}): ${another}`
}

function tryListen({ host, port }: Address): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

/** The state of a listening socket in /proc/net/tcp. */
const listening = '0A'

/** Which process listens on a port, where the system tells: on Linux, for processes of this user, or for root. */
export function userOf(port: number): { pid: number; command: string } | undefined {
  try {
    const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => inodesListening(file, port))
    if (inodes.length === 0) return undefined
    const links = new Set(inodes.map(inode => `socket:[${inode}]`))
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      if (!holdsAny(pid, links)) continue
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
      return {
        pid: Number(pid),
        command: words
          .map(word => word.split('/').at(-1))
          .slice(0, 5)
          .join(' '),
      }
    }
  } catch {
    // No /proc, or the process has just ended.
  }
  return undefined
}

function inodesListening(file: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === listening && local?.endsWith(wanted))
    .map(words => words[9] ?? '')
}

function holdsAny(pid: string, links: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => {
      try {
        return links.has(readlinkSync(`/proc/${pid}/fd/${fd}`))
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}
