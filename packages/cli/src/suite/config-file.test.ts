import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readConfigFile } from './config-file.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'orrery-config-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it('reads the file that is named, else that of the environment', () => {
  const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')]
  writeFileSync(a, '{"small": true}')
  writeFileSync(b, '{"small": false}')
  expect(readConfigFile(a, { ORRERY_CONFIG: b })).toEqual({ name: a, value: { small: true } })
  expect(readConfigFile(undefined, { ORRERY_CONFIG: b })).toEqual({ name: b, value: { small: false } })
  expect(readConfigFile(undefined, { ORRERY_CONFIG: '' })).toBeUndefined()
})

it('names a file that is not there, and the place where one is no JSON', () => {
  const file = join(folder, 'c.json')
  expect(() => readConfigFile(file, {})).toThrow(`${file} cannot be read: ENOENT`)
  writeFileSync(file, '{\n  "small": true,\n}')
  expect(() => readConfigFile(file, {})).toThrow(/c\.json is no JSON: .*line 3 column 1/)
})
