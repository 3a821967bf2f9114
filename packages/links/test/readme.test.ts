import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as links from '../src/index.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

describe('the README', () => {
  it('has every function and class that there is, and none that there is not', () => {
    const table = readme.slice(readme.indexOf('## What it answers'), readme.indexOf('## Links'))
    const callable = Object.entries(links).filter(([, value]) => typeof value === 'function')
    const named = new Set(Array.from(table.matchAll(/\b([a-zA-Z]+)(?=\(|\.from)/g), match => match[1]!))
    const methods = new Set(Object.getOwnPropertyNames(links.LinkExtractor.prototype))
    expect(callable.map(([name]) => name).filter(name => !named.has(name))).toEqual([])
    expect(Array.from(named).filter(name => !(name in links) && !methods.has(name))).toEqual([])
  })

  it('has the limits that there are', () => {
    const { maxLinks, maxTargetLength, maxPathLength } = links.defaultLimits
    for (const limit of [
      `\`maxLinks\`, ${figure(maxLinks)}`,
      `\`maxTargetLength\`, ${figure(maxTargetLength)}`,
    ]) {
      expect(readme).toContain(limit)
    }
    expect(readme).toContain(`\`maxPathLength\`, ${figure(maxPathLength)}`)
    expect(readme).toContain(`up to ${figure(links.maxAtUriLength)} characters`)
    expect(readme).toContain(`up to ${figure(links.maxDidLength)} characters`)
    const longest = `a.b.c:${'x'.repeat(2_366 - 6)}`
    expect(readme).toContain(`| ${figure(longest.length)} characters | not a source`)
    expect(links.tryParseSource(longest)).toBeDefined()
    expect(links.tryParseSource(`${longest}x`)).toBeUndefined()
  })
})

function figure(value: number): string {
  return value.toLocaleString('en-US')
}
