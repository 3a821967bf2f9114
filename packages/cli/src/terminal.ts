import { stripVTControlCharacters, styleText } from 'node:util'

/** Writes lines to standard output. */
export function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}

/** Writes a line to standard output over the one that this wrote before; where that is no terminal, below it. */
export function printOver(line: string): void {
  const { stdout } = process
  if (!stdout.isTTY) return print(line)
  // Cut to the width: a line that wraps would not be written over as a whole.
  const cut = stripVTControlCharacters(line).length < stdout.columns ? line : stripVTControlCharacters(line)
  stdout.write(`\r\x1b[2K${cut.slice(0, cut === line ? undefined : stdout.columns - 1)}`)
}

/** Writes a line that stays to standard output, above the one that `printOver` writes next. */
export function printAbove(line: string): void {
  process.stdout.write(`${process.stdout.isTTY ? '\r\x1b[2K' : ''}${line}\n`)
}

export const bold = (text: string): string => styleText('bold', text)
export const dim = (text: string): string => styleText('dim', text)
export const green = (text: string): string => styleText('green', text)
export const yellow = (text: string): string => styleText('yellow', text)
export const red = (text: string): string => styleText('red', text)
export const cyan = (text: string): string => styleText('cyan', text)

/** A signal that aborts on Ctrl-C or SIGTERM; a second one ends the process at once. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort()
    })
  }
  return controller.signal
}

/** Rows under headings, as wide as their content. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map(row => width(row[i] ?? ''))),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell + ' '.repeat(widths[i]! - width(cell)))
      .join('  ')
      .trimEnd()
  return [dim(line(headings)), ...rows.map(line)]
}

function width(text: string): number {
  return stripVTControlCharacters(text).length
}
