import { bold, cyan, dim, red, yellow } from '../terminal.ts'

/** A line of a service's log. */
export interface LogLine {
  /** Who says it, where it tells. */
  name?: string
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  /** Milliseconds since 1970. */
  at: number
  message: string
  fields: Readonly<Record<string, unknown>>
}

/** What is shown of one value, characters. */
const maxValue = 300

/** A line as a service writes it, as JSON; undefined for any other text. */
export function parseLogLine(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const {
      level,
      time,
      msg,
      name,
      pid: _,
      hostname: __,
      ...fields
    } = JSON.parse(text) as Record<string, unknown>
    if (typeof level !== 'string' || !(level in marks)) return undefined
    const at = Date.parse(String(time))
    return {
      ...(typeof name === 'string' && { name }),
      level: level as LogLine['level'],
      at: Number.isNaN(at) ? Date.now() : at,
      message: typeof msg === 'string' ? msg : '',
      fields,
    }
  } catch {
    return undefined
  }
}

const marks: Record<LogLine['level'], string> = {
  trace: dim('trace  '),
  debug: dim('debug  '),
  info: '',
  warn: yellow('warn   '),
  error: red('error  '),
  fatal: red('fatal  '),
}

/** A line for people: time, who, what. An error's stack stands below it where the service ends with that. */
export function showLine(who: string, { level, at, message, fields }: LogLine, withDate: boolean): string {
  const { err, options, ...others } = fields
  // The options of a start are long, and known.
  const rest = message === 'starting' ? others : { ...others, ...(options !== undefined && { options }) }
  const parts = Object.entries(rest).map(([key, value]) => `${dim(`${key}=`)}${shorten(value)}`)
  const problem = err === undefined ? '' : `: ${messageOf(err)}`
  const stack = level === 'fatal' ? stackOf(err) : ''
  const text = level === 'info' ? message : bold(message)
  return `${head(who, at, withDate)}${marks[level]}${[text + problem, ...parts].join('  ')}${stack}`
}

/** Other text of a service, such as what Node prints of a crash. */
export function showText(who: string, text: string, at: number, withDate: boolean): string {
  return `${head(who, at, withDate)}${text}`
}

/** What a line says in short, for a report. */
export function gistOf({ message, fields }: LogLine): string {
  const said = fields.err === undefined ? message : `${message}: ${messageOf(fields.err)}`
  return said.length > maxValue ? `${said.slice(0, maxValue - 1)}…` : said
}

function head(who: string, at: number, withDate: boolean): string {
  const date = new Date(at)
  const two = (n: number): string => String(n).padStart(2, '0')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  const day = withDate ? `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` : ''
  return `${dim(day + time)}  ${cyan(who.padEnd(14))} `
}

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length <= maxValue ? text : `${text.slice(0, maxValue - 1)}…`
}

function messageOf(err: unknown): string {
  return typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : shorten(err)
}

function stackOf(err: unknown): string {
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? String(err.stack) : ''
  const frames = stack.split('\n').filter(line => line.startsWith('    at '))
  return frames.map(frame => `\n${dim(frame)}`).join('')
}
