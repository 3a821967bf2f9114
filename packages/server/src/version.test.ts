import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { projectVersion } from './version.ts'

it("is the root package.json's", () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string }
  expect(manifest.name).toBe('orrery')
  expect(projectVersion()).toBe(manifest.version)
})
