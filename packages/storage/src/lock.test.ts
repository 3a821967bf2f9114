import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StorageError } from './errors.ts'
import { lockFolder } from './lock.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'orrery-lock-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it('lets nobody else in until it is let go, in a folder that it creates', () => {
  const inner = join(folder, 'a/b')
  const lock = lockFolder(inner)
  expect(() => lockFolder(inner)).toThrow(StorageError)
  expect(() => lockFolder(inner)).toThrow(`another process works on ${inner}. Stop it`)
  lock[Symbol.dispose]()
  lockFolder(inner)[Symbol.dispose]()
})

it('ends with a process that is killed', async () => {
  const program = `import { lockFolder } from ${JSON.stringify(import.meta.resolve('./lock.ts'))}
    lockFolder(${JSON.stringify(folder)}); console.log('locked'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  expect(() => lockFolder(folder)).toThrow('another process works on')
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  lockFolder(folder)[Symbol.dispose]()
})
