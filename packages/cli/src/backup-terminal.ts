import { setPriority } from 'node:os'
import { createLogger, createProgress, type Progress } from '@orrery/server'
import { BackupError } from '@orrery/backup'
import { StorageError } from '@orrery/storage'
import { print, red } from './terminal.ts'

/**
 * Runs a command on stores: beside the services, and less urgent than they are. What it cannot do is one line, and status 1.
 */
export async function runStoreCommand(work: () => Promise<void>): Promise<void> {
  try {
    setPriority(10)
  } catch {
    // Then it is as urgent as they are.
  }
  await tellFailure(work)
}

/** Does work; what it cannot do becomes a line on standard error, with `about` before it, and the status 1. */
export async function tellFailure(work: () => Promise<void>, about = ''): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.exitCode = 1
    if (isAborted(error)) complain(`${about}stopped; the same command goes on from here`)
    // What has a name of its own is a mistake of ours, and is told in full.
    else if (error instanceof BackupError || error instanceof StorageError || isPlain(error)) {
      complain(about + error.message)
    } else throw error
  }
}

function complain(message: string): void {
  process.stderr.write(`${red(message)}\n`)
}

function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function isPlain(error: unknown): error is Error {
  return error instanceof Error && error.constructor === Error
}

/** A bar for each phase in turn; `doing` has the words. */
export function phaseBars<Phase extends string>(
  name: string,
  doing: Readonly<Record<Phase, string>>,
): { at(phase: Phase, done: number, total: number, detail?: string): void; end(): void } {
  const logger = createLogger({ name, stream: process.stderr })
  let current: { phase: Phase; bar: Progress } | undefined
  return {
    at(phase, done, total, detail) {
      if (current?.phase !== phase) {
        current?.bar.end()
        current = { phase, bar: createProgress({ what: `${name}: ${doing[phase]}`, total, logger }) }
      }
      current.bar.at(done, detail)
    },
    end() {
      current?.bar.end()
      current = undefined
    },
  }
}

/** 1.2 GB, 340 kB. */
export function inBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2))
}
