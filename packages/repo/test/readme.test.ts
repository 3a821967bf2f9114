import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as repo from '../src/index.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

describe('the README', () => {
  it('has every code, with its sentence, in order', () => {
    const section = readme.slice(readme.indexOf('## What is refused'), readme.indexOf('## Limits'))
    const codes = Array.from(section.matchAll(/^\| `(.*?)` \| (.*) \|$/gm), match => [match[1], match[2]])
    expect(codes).toEqual(Object.entries(repo.repoErrorCodes))
  })

  it('has every function and class that there is, and none that there is not', () => {
    const table = readme.slice(readme.indexOf('## What it answers'), readme.indexOf('## What a proof says'))
    const callable = Object.entries(repo).filter(([, value]) => typeof value === 'function')
    // Helpers for bytes are what they are called.
    const plain = new Set([
      'asBuffer',
      'compareBytes',
      'concatBytes',
      'equalBytes',
      'sha256',
      'RepoError',
      'BlockMap',
      'ByteSink',
    ])
    const expected = callable.map(([name]) => name).filter(name => !plain.has(name))
    // These are about the insides of a tree, and in the table by what they are for.
    const inside = new Set(['commonPrefix', 'encodeMstNode', 'keyLayer', 'readMstNode', 'emptyTree'])
    expect(expected.filter(name => !inside.has(name) && !table.includes(name))).toEqual([])

    const named = Array.from(table.matchAll(/`([a-zA-Z]+)[(.`]/g), match => match[1]!)
    const known = new Set([...Object.keys(repo), 'PublicKey', 'Cid', 'proof', 'signed', 'unknown'])
    expect(named.filter(name => !known.has(name) && !/^(try|is)$/.test(name))).toEqual([])
  })

  it('has the limits that there are', () => {
    const numbers = [
      repo.maxDepth,
      repo.frameLimits.commitBlocks,
      repo.frameLimits.ops,
      repo.frameLimits.syncBlocks,
    ]
    for (const number of numbers) expect(readme).toContain(number.toLocaleString('en-US'))
    expect(repo.futureRevToleranceUs).toBe(5 * 60 * 1_000_000)
  })
})
