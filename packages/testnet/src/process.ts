import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'

/** What a process has used so far. */
export interface ProcessUsage {
  /** Time on the CPU of all its threads, in the kernel too, milliseconds. */
  cpuMs: number
  /** Memory it holds now, bytes. */
  rss: number
}

type Methods = Record<string, (argument: never) => unknown>
type Argument<Api extends Methods, Name extends keyof Api> = Parameters<Api[Name]>[0]
type Result<Api extends Methods, Name extends keyof Api> = Awaited<ReturnType<Api[Name]>>

/** A script in a process of its own, which serves some methods. Disposing ends it. */
export interface Process<Api extends Methods> extends AsyncDisposable {
  readonly pid: number
  /**
   * Runs one of its methods. Calls run one after the other; arguments and results are structured clones.
   *
   * @throws (rejects) what the method threw, or that the process has ended
   */
  call<Name extends keyof Api & string>(
    method: Name,
    argument?: Argument<Api, Name>,
  ): Promise<Result<Api, Name>>
  usage(): Promise<ProcessUsage>
}

interface Call {
  id: number
  method: string
  argument: unknown
}

type Answer = { id: number; result: unknown } | { id: number; error: string }

/** How long a process may take to end, milliseconds. */
const exitMs = 5_000

const usageMethod = 'usage of the process'

/**
 * Starts a script that calls `serveProcess`: for what has to be measured, or killed, apart from who asks. `flags` are
 * Node's, of which it gets none of this process; `env` is this one's by default.
 */
export function startProcess<Api extends Methods>(
  script: URL,
  { flags = [], env }: { flags?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Process<Api> {
  const child = fork(script, { execArgv: [...flags], serialization: 'advanced', ...(env && { env }) })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let calls = 0
  child.on('message', (message: Serializable) => {
    const answer = message as unknown as Answer
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) asked?.reject(new Error(answer.error))
    else asked?.resolve(answer.result)
  })
  child.on('exit', (code, signal) => {
    for (const asked of waiting.values())
      asked.reject(new Error(`${script.pathname} ended: ${signal ?? code}`))
    waiting.clear()
  })

  function call(method: string, argument: unknown): Promise<unknown> {
    const pending = Promise.withResolvers<unknown>()
    if (!child.connected) return Promise.reject(new Error(`${script.pathname} has ended`))
    waiting.set(++calls, pending)
    const message: Call = { id: calls, method, argument }
    child.send(message)
    return pending.promise
  }

  return {
    pid: child.pid!,
    call: (method, argument) => call(method, argument) as Promise<Result<Api, typeof method>>,
    usage: () => call(usageMethod, undefined) as Promise<ProcessUsage>,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      // So that it can write what profilers gathered; who does not go is made to.
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), exitMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/** The other side of `startProcess`. Its process ends with its owner's. */
export function serveProcess(api: Methods): void {
  let last: Promise<unknown> = Promise.resolve()
  process.on('message', ({ id, method, argument }: Call) => {
    last = last.then(async () => {
      let answer: Answer
      try {
        const run = method === usageMethod ? usage : api[method]
        if (!run) throw new Error(`there is no ${method}`)
        answer = { id, result: await run(argument as never) }
      } catch (error) {
        answer = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
      }
      process.send?.(answer)
    })
  })
  process.on('disconnect', () => process.exit())
}

function usage(): ProcessUsage {
  const { user, system } = process.cpuUsage()
  return { cpuMs: (user + system) / 1000, rss: process.memoryUsage.rss() }
}
