import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import { gistOf, type LogLine, parseLogLine, showLine, showText } from './log-line.ts'

/** The one log of the suite, on standard output. */
export interface SuiteLog {
  /** What the suite itself has to say. */
  say(message: string, level?: LogLine['level']): void
  /**
   * Takes a process's output in, as long as it comes; `onError` is told in short of each error that it logs, and by which
   * service of it, where that is known.
   */
  follow(
    who: string,
    streams: { out: Readable; err: Readable },
    onError: (gist: string, service?: string) => void,
  ): void
}

export interface SuiteLogOptions {
  /** `json` lets the services' lines through as they are. */
  format: 'pretty' | 'json'
  write?: (line: string) => void
  /** With the date, for where nobody watches. Default: where it is no terminal. */
  withDate?: boolean
}

/** What is shown of a line that is none of the log, characters: a service is not trusted with more. */
const maxText = 8_192

/** The last lines that were no log are the reason of a crash. */
const crashLines = 40

export function openLog({
  format,
  write = writeOut,
  withDate = !process.stdout.isTTY,
}: SuiteLogOptions): SuiteLog {
  const isJson = format === 'json'
  const asJson = (who: string, level: string, msg: string): string =>
    JSON.stringify({ level, time: new Date().toISOString(), name: who, msg })

  function say(message: string, level: LogLine['level'] = 'info'): void {
    if (isJson) return write(asJson('orrery', level, message))
    write(showLine('orrery', { level, at: Date.now(), message, fields: {} }, withDate))
  }

  return {
    say,
    follow(who, { out, err }, onError) {
      createInterface({ input: out }).on('line', text => {
        const line = parseLogLine(text)
        const cut = text.slice(0, maxText)
        if (line && (line.level === 'error' || line.level === 'fatal')) onError(gistOf(line), line.name)
        if (isJson) write(line ? text : asJson(who, 'info', cut))
        else
          write(line ? showLine(line.name ?? who, line, withDate) : showText(who, cut, Date.now(), withDate))
      })
      const crash: string[] = []
      createInterface({ input: err }).on('line', text => {
        const cut = text.slice(0, maxText)
        write(isJson ? asJson(who, 'error', cut) : showText(who, cut, Date.now(), withDate))
        if (crash.push(cut) > crashLines) crash.shift()
        const gist = crash.findLast(line => /^(\w*Error\b|FATAL|#|.*cannot start)/.test(line)) ?? crash[0]
        if (gist) onError(gist)
      })
    },
  }
}

function writeOut(line: string): void {
  process.stdout.write(`${line}\n`)
}
