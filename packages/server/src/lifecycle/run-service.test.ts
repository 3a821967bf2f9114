import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

import { projectVersion } from '../version.ts'

const program = fileURLToPath(new URL('../../test/fixtures/probe-service.ts', import.meta.url))

/** A log line as JSON. */
type Line = {
  level: string
  msg: string
  url?: string
  err?: { message: string }
  held?: string[]
  options?: object
}

/** A service in a process of its own. */
function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', line => {
    output.push(line)
    for (const check of waiting) check()
  })
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const stderr = text(child.stderr)
  const lines = (): Line[] =>
    output.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Line)
  return {
    output,
    lines,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Resolves with the first line that has this message. */
    said: (msg: string) =>
      Promise.race([
        new Promise<Line>(resolve => {
          const check = (): void => {
            const found = lines().find(line => line.msg === msg)
            if (found) resolve(found)
          }
          waiting.add(check)
          check()
        }),
        exited.then(([code]): never => {
          throw new Error(`it exited with ${code} before it said "${msg}": ${output.join('\n')}`)
        }),
      ]),
    ended: async () => ({ code: (await exited)[0], stderr: await stderr, lines: lines() }),
  }
}

const messages = (lines: Line[]): string[] =>
  lines.map(line => line.msg).filter(msg => !msg.startsWith('Server listening'))

describe('a service that is stopped', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s disposes, and exits with 0', async signal => {
    const service = start([])
    const { url = '' } = await service.said('listening')
    await service.said('started')
    expect((await fetch(`${url}/_health`)).status).toBe(200)
    service.kill(signal)
    const { code, stderr, lines } = await service.ended()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(messages(lines)).toEqual(['starting', 'listening', 'started', 'stopping', 'disposed', 'stopped'])
  })

  it('while it starts does not start any further', async () => {
    const service = start(['--mode=start-hangs'])
    await service.said('hanging')
    service.kill('SIGTERM')
    const { code, lines } = await service.ended()
    expect(code).toBe(0)
    expect(messages(lines)).toEqual(['starting', 'hanging', 'stopping', 'stopped'])
  })

  it('twice at nearly the same time is stopped once, and gracefully', async () => {
    const service = start([])
    await service.said('started')
    service.kill('SIGINT')
    service.kill('SIGTERM')
    const { code, lines } = await service.ended()
    expect(code).toBe(0)
    expect(messages(lines)).toContain('disposed')
  })

  it('a second time, when the operator will not wait, exits at once', async () => {
    const service = start(['--mode=dispose-hangs'], { STOP_TIMEOUT_MS: '20000' })
    await service.said('started')
    service.kill('SIGINT')
    await service.said('stopping')
    await sleep(1_100)
    service.kill('SIGINT')
    const { code, lines } = await service.ended()
    expect(code).toBe(1)
    expect(lines.at(-1)?.msg).toContain('SIGINT came again; exiting at once')
  })

  it('exits with 1 when the disposing fails', async () => {
    const service = start(['--mode=dispose-fails'])
    await service.said('started')
    service.kill('SIGTERM')
    const { code, lines } = await service.ended()
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      msg: 'the stop went wrong',
      err: { message: 'dispose failed' },
    })
  })

  it.each(['dispose-hangs', 'leaks'])('is ended by force when it takes too long: %s', async mode => {
    const service = start([`--mode=${mode}`])
    await service.said('started')
    const before = performance.now()
    service.kill('SIGTERM')
    const { code, lines } = await service.ended()
    expect(performance.now() - before).toBeGreaterThan(400)
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'it did not stop within 0.5 s; exiting all the same',
    })
    expect(lines.at(-1)?.held).toContain('Timeout')
  })

  it('does not pass for stopped when nothing is left that could finish the disposing', async () => {
    const service = start(['--mode=dispose-hangs-empty'])
    await service.said('started')
    service.kill('SIGTERM')
    const { code, lines } = await service.ended()
    expect(code).toBe(1)
    expect(messages(lines)).not.toContain('stopped')
  })
})

describe('a service that breaks', () => {
  it.each([
    ['throws', 'thrown from nowhere'],
    ['rejects', 'rejected from nowhere'],
    ['fails', 'the writer died'],
  ])('%s: logs why, disposes, and exits with 1', async (mode, message) => {
    const { code, stderr, lines } = await start([`--mode=${mode}`]).ended()
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'fatal', err: expect.objectContaining({ message }) as object }),
    )
    expect(messages(lines)).toContain('disposed')
    expect(messages(lines)).not.toContain('stopped')
  })

  it('at its start exits with 1', async () => {
    const { code, lines } = await start(['--mode=start-fails']).ended()
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'the start failed' } })
  })

  it.each([
    ['--listen', '--listen or PROBE_LISTEN'],
    ['--metrics-listen', '--metrics-listen or PROBE_METRICS_LISTEN'],
  ])('on a port in use for %s names the port and the option, without a stack', async (flag, named) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, lines } = await start([flag, `127.0.0.1:${port}`]).ended()
    other.close()
    expect(code).toBe(1)
    expect(lines.at(-1)?.msg).toBe(
      `port ${port} on 127.0.0.1 is in use by another program. Stop that one, or choose another port with ${named}.`,
    )
    expect(lines.at(-1)?.err).toBeUndefined()
  })
})

describe('options', () => {
  it('that cannot be used are all printed, without a stack, and the exit code is 2', async () => {
    const { code, stderr, lines } = await start(['--mod=works', '--listen', 'nowhere'], {
      PROBE_LOG_LEVEL: 'loud',
    }).ended()
    expect(code).toBe(2)
    expect(lines).toEqual([])
    expect(stderr).toBe(
      [
        'probe cannot start: 3 options need attention:',
        '  --mod is not an option; did you mean --mode?',
        '  --listen: expected host:port, such as 127.0.0.1:6008, [::1]:6008 or :6008; got "nowhere"',
        '  PROBE_LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent; got "loud"',
        '',
        'See --help for all options.',
        '',
      ].join('\n'),
    )
  })

  it('are logged at the start, without secrets', async () => {
    const service = start(['--token', 'hunter2', '--source', 'wss://me:hunter2@relay.example'])
    const line = await service.said('starting')
    service.kill('SIGTERM')
    const { code } = await service.ended()
    expect(code).toBe(0)
    expect(line.options).toMatchObject({
      mode: 'works',
      token: '[secret]',
      source: ['wss://[secret]@relay.example'],
    })
    expect(service.output.join('\n')).not.toContain('hunter2')
  })

  it('set level and format of the log', async () => {
    const service = start(['--log-format', 'pretty', '--log-level', 'warn', '--mode=start-fails'])
    const { code } = await service.ended()
    expect(code).toBe(1)
    expect(service.output[0]).toMatch(/FATAL.*stopping, because of an error/)
  })

  it('--help prints help, --version the version', async () => {
    const help = start(['--help', '--nonsense'])
    expect((await help.ended()).code).toBe(0)
    expect(help.output[0]).toBe('A service that only tests use.')
    const version = start(['--version'])
    expect((await version.ended()).code).toBe(0)
    expect(version.output).toEqual([projectVersion()])
  })
})
