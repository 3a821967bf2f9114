import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { identityErrorCodes } from '../src/errors.ts'

it('the README lists every error code, and no other', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const [, section = ''] = readme.split('## Errors')
  const listed = Array.from(section.matchAll(/^\| `(\w+)` \| (yes|no|by status) \|/gm), match => match[1])
  expect(listed).toEqual(Object.keys(identityErrorCodes))
})
