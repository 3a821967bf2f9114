import { expect, it } from 'vitest'
import { removeDotSegments } from './dot-segments.ts'

it.each([
  ['/a/b/c/./../../g', '/a/g'],
  ['/', '/'],
  ['/.', '/'],
  ['/..', '/'],
  ['/a/..', '/'],
  ['/a/b/..', '/a/'],
  ['/a/b/.', '/a/b/'],
  ['/../../a', '/a'],
  ['/..//', '//'],
  ['/a//../b', '/a/b'],
  ['/a/../..//b', '//b'],
  ['/...', '/...'],
  ['/.a/..b/c.', '/.a/..b/c.'],
  ['', ''],
])('%s becomes %s', (path, expected) => expect(removeDotSegments(path)).toBe(expected))
