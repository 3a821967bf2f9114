import type { Logger } from './logger.ts'

/** Long work as the operator sees it. */
export interface Progress {
  /** Says how far it is; cheap, may be called often. `detail` stands behind the bar. */
  at(done: number, detail?: string): void
  /** Draws the bar a last time and leaves it. */
  end(detail?: string): void
}

export interface ProgressOptions {
  /** What is being done, a few words. */
  what: string
  /** What `done` reaches at the end. */
  total: number
  logger: Logger
  /** Default: standard error. */
  stream?: { isTTY?: boolean; columns?: number; write(text: string): unknown } | undefined
  /** Milliseconds. Default `performance.now`. */
  now?: (() => number) | undefined
}

const drawEveryMs = 100
const logEveryMs = 10_000
const barWidth = 24

/** A bar with percent and time left, redrawn in place on a terminal; elsewhere a line of log every ten seconds. */
export function createProgress(options: ProgressOptions): Progress {
  const { what, total, logger, stream = process.stderr, now = () => performance.now() } = options
  const isTerminal = stream.isTTY === true
  const startedAt = now()
  let drawnAt = isTerminal ? -Infinity : startedAt
  let done = 0

  function draw(detail: string, isLast: boolean): void {
    drawnAt = now()
    const share = total > 0 ? Math.min(1, done / total) : 1
    const elapsedMs = drawnAt - startedAt
    const left = isLast
      ? `took ${inWords(elapsedMs)}`
      : `${share > 0 ? inWords((elapsedMs * (1 - share)) / share) : '?'} left`
    const percent = `${Math.floor(share * 100)} %`
    if (!isTerminal) {
      logger.info({ percent, left, ...(detail && { detail }) }, what)
      return
    }
    const filled = Math.round(share * barWidth)
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
    const line = `${what} ${bar} ${percent.padStart(5)} · ${left}${detail && ` · ${detail}`}`
    stream.write(`\r${line.slice(0, (stream.columns ?? 80) - 1)}\x1b[K${isLast ? '\n' : ''}`)
  }

  return {
    at(at, detail = '') {
      done = at
      if (now() - drawnAt >= (isTerminal ? drawEveryMs : logEveryMs)) draw(detail, false)
    },
    end(detail = '') {
      draw(detail, true)
    },
  }
}

/** 47 s, 3 min 20 s, 2 h 5 min. */
function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
