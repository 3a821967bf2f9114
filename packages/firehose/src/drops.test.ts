import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { dropReasons, zeroDrops } from './drops.ts'

it('the table of drop reasons in the README is the one in the code', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, table] = /## Drop reasons\n([\s\S]*?)\n## /.exec(readme)!
  const rows = Array.from(table!.matchAll(/^\| `(\w+)` \| (.*) \|$/gm), ([, name, meaning]) => [
    name,
    meaning,
  ])
  expect(rows).toEqual(Object.entries(dropReasons))
})

it('every reason has a counter', () => {
  expect(Object.keys(zeroDrops())).toEqual(Object.keys(dropReasons))
  expect(Object.values(zeroDrops()).every(count => count === 0)).toBe(true)
})
