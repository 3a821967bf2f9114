import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { parseSource } from '@orrery/firehose'
import { clockAheadMs, clockRemedy, clockToleranceMs, httpOf, inWords } from '../machine/clock.ts'
import type { Plan, PlannedService } from '../suite/plan.ts'
import { span } from '../suite/units.ts'
import { fail, type Finding, ok, saidBy, skip, warn } from './finding.ts'

/** How long a server may take, milliseconds. */
const patienceMs = 10_000

/** The services that read from outside the suite. */
function leading({ services }: Plan): readonly PlannedService[] {
  return services.filter(({ followsJetstream }) => !followsJetstream)
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}

function sourcesOf(plan: Plan): string[] {
  return unique(leading(plan).flatMap(({ source }) => source))
}

function directoriesOf({ services }: Plan): string[] {
  return unique(services.map(({ plcUrl }) => plcUrl))
}

/** Whether the names of all servers lead to addresses. */
export async function checkDns(plan: Plan): Promise<Finding> {
  const hosts = unique([...sourcesOf(plan), ...directoriesOf(plan)].map(url => new URL(url).hostname))
  const names = hosts.filter(host => isIP(host.replace(/^\[|\]$/g, '')) === 0)
  if (names.length === 0) return skip('DNS', 'no server is named by a name')
  const lost = await Promise.all(
    names.map(async name => {
      const found = lookup(name).then(() => undefined, saidBy)
      return Promise.race([found, after(patienceMs, 'no answer')]).then(error => error && `${name}: ${error}`)
    }),
  )
  const problems = lost.filter(problem => problem !== undefined)
  if (problems.length === 0) return ok('DNS', names.join(', '))
  return fail(
    'DNS',
    problems.join('; '),
    'is this machine online? Then see /etc/resolv.conf; `resolvectl status` tells which name server it asks',
  )
}

/** Whether the clock is right, by the servers of the suite. */
export async function checkClock(plan: Plan): Promise<Finding> {
  const servers = unique([...directoriesOf(plan), ...sourcesOf(plan).map(httpOf)])
  const answers = await Promise.all(
    servers.map(async server => ({
      host: new URL(server).host,
      aheadMs: await clockAheadMs(server, patienceMs).catch(() => undefined),
    })),
  )
  const told = answers.filter(answer => answer.aheadMs !== undefined)
  // Each server's own clock may be wrong; the middle one of several is not.
  const middle = told.toSorted((a, b) => a.aheadMs! - b.aheadMs!)[Math.floor((told.length - 1) / 2)]
  if (!middle) return skip('clock', 'no server could be asked for the time')
  const { host, aheadMs } = middle
  if (Math.abs(aheadMs!) <= clockToleranceMs) return ok('clock', `right to a second or two, by ${host}`)
  return fail('clock', `${inWords(aheadMs!)}, by ${host}`, clockRemedy)
}

/** Whether each directory of DIDs answers. */
export async function checkDirectories(plan: Plan): Promise<Finding[]> {
  return Promise.all(
    directoriesOf(plan).map(async url => {
      const startedAt = Date.now()
      try {
        const { status } = await fetch(`${url}/_health`, { signal: AbortSignal.timeout(patienceMs) })
        if (status >= 500) throw new Error(`it answers with status ${status}`)
        return ok('PLC', `${url} answers in ${span(Date.now() - startedAt)}`)
      } catch (error) {
        return fail(
          'PLC',
          `${url}: ${saidBy(error)}`,
          'is this machine online, and does a firewall let it out on port 443? Another directory is set with plcUrl under all, or JETSTREAM_PLC_URL and so on',
        )
      }
    }),
  )
}

/** Whether each source sends. One of several that does not is no failure: there are the others. */
export async function checkSources(plan: Plan): Promise<Finding[]> {
  const sources = sourcesOf(plan)
  const answers = await Promise.all(sources.map(firstMessage))
  const hasAny = answers.some(answer => answer.error === undefined)
  return answers.map(({ error, ms, isSilent }, i) => {
    const name = parseSource(sources[i]!).kind === 'relay' ? 'relay' : 'Jetstream'
    const source = sources[i]!
    if (error !== undefined) {
      const remedy = `is it up, and does a firewall let this machine out? Others are set with ${leading(plan)
        .map(service => `${service.name.toUpperCase()}_SOURCE`)
        .join(', ')}`
      return hasAny ? warn(name, `${source}: ${error}`, remedy) : fail(name, `${source}: ${error}`, remedy)
    }
    if (isSilent) return ok(name, `${source} lets us in, and was silent for ${span(ms)}`)
    return ok(name, `${source} sends, the first after ${span(ms)}`)
  })
}

interface FirstMessage {
  ms: number
  isSilent?: boolean
  error?: string
}

/** How long a source may be silent that has let us in: a network of one's own may be quiet, milliseconds. */
const silenceMs = 5_000

function firstMessage(text: string): Promise<FirstMessage> {
  const startedAt = Date.now()
  return new Promise(resolve => {
    const socket = new WebSocket(parseSource(text).url)
    const end = (answer: Omit<FirstMessage, 'ms'>): void => {
      clearTimeout(timer)
      resolve({ ms: Date.now() - startedAt, ...answer })
      socket.close()
    }
    let timer = setTimeout(() => end({ error: `no answer within ${span(patienceMs)}` }), patienceMs)
    socket.addEventListener('open', () => {
      clearTimeout(timer)
      timer = setTimeout(() => end({ isSilent: true }), silenceMs)
    })
    socket.addEventListener('message', () => end({}))
    socket.addEventListener('error', event => {
      const { message, error } = event
      end({ error: error instanceof Error ? saidBy(error) : message || 'it does not let us in' })
    })
  })
}

function after(ms: number, text: string): Promise<string> {
  return new Promise(resolve => setTimeout(() => resolve(text), ms).unref())
}
